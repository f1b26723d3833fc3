import CHiredis

/// The library that talks to Redis.
package enum RedisLibrary {
    /// The reason why the library can't be used; `nil` if it can.
    package static var fault: String? {
        mm_redis_load().map { "\(String(cString: $0)): apt-get install libhiredis0.14" }
    }
}
