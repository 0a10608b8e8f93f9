package migrations

// LockFile is lockFile for tests.
var LockFile = lockFile
