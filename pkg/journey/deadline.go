package journey

import "time"

// RequestTime is how long a request has, its journey included. Whoever runs a journey for a client, or to see what a
// client would get, gives it a context that ends then.
const RequestTime = 2 * time.Second
