package bolt

import "fmt"

// rewriteMeta writes bbolt's two meta pages again, as they are, and syncs the file. Only the writer may call it, between
// transactions.
//
// The last step of a commit is the sync of its meta page. When that fails, everybody who reads the file sees the new tree,
// bbolt too, and the disk may still have the old one; and the system takes the page for clean, so that no later sync
// writes it. bbolt would go on, and put the next transaction's pages in the place of the old tree: after a power cut there
// would be neither. So nothing is written behind a commit that failed before the tree that is seen is the one on disk.
// Pages of data need no such care: the sync that failed was before the meta page, and what it lost belongs to no tree.
func (s *Store) rewriteMeta() error {
	meta := make([]byte, 2*s.db.Info().PageSize)
	if _, err := s.file.ReadAt(meta, 0); err != nil {
		return fmt.Errorf("read the meta pages: %w", err)
	}
	if _, err := s.file.WriteAt(meta, 0); err != nil {
		return fmt.Errorf("write the meta pages: %w", err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("sync the meta pages: %w", err)
	}
	return nil
}
