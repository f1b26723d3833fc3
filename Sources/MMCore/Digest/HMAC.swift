/// Keyed message authentication codes (RFC 2104).
package enum HMAC {
    /// Returns the authentication code of a message under a key, over SHA-256.
    package static func sha256(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        let block = block(of: key.count > SHA256.blockSize ? SHA256.digest(key) : key, SHA256.blockSize)
        var inner = SHA256()
        inner.update(block.map { $0 ^ 0x36 })
        inner.update(message)
        var outer = SHA256()
        outer.update(block.map { $0 ^ 0x5C })
        outer.update(inner.finish())
        return outer.finish()
    }

    /// Returns the authentication code of a message under a key, over SHA-1: to recognise what others wrote with it.
    package static func sha1(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        let block = block(of: key.count > SHA1.blockSize ? SHA1.digest(key) : key, SHA1.blockSize)
        return SHA1.digest(block.map { $0 ^ 0x5C } + SHA1.digest(block.map { $0 ^ 0x36 } + message))
    }

    private static func block(of key: [UInt8], _ size: Int) -> [UInt8] {
        key + repeatElement(0, count: size - key.count)
    }
}
