import CMMSystem
import Glibc

/// Unpredictable bytes from the kernel (getrandom(2)).
package enum RandomBytes {
    /// Returns `count` random bytes.
    package static func make(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            fill(room, count)
            filled = count
        }
    }

    /// Returns `count` random bytes as base64url text.
    package static func text(bytes count: Int) -> String {
        Base64.text(make(count), alphabet: .url)
    }

    /// Returns a random (version 4) UUID in lower case (RFC 9562, section 5.4).
    ///
    /// Like `name`, it identifies something and is not secret.
    package static func uuid() -> String {
        var bytes = Self.reserve.take(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { Hex.text(bytes[$0]) }.joined(separator: "-")
    }

    /// Returns `count` random bytes as base64url text, for the unique name of a call or a request, which is not secret.
    /// The kernel is called once for many such names. For values that must not be guessable use `text`.
    package static func name(bytes count: Int) -> String {
        Base64.text(Self.reserve.take(count), alphabet: .url)
    }

    /// Returns a random number for a name, as `name` does.
    package static func number() -> UInt64 {
        Self.reserve.take(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static let reserve = Reserve()

    private static func fill(_ room: UnsafeMutableBufferPointer<UInt8>, _ count: Int) {
        var done = 0
        while done < count {
            let got = mm_random(room.baseAddress.map { $0 + done }, count - done)
            if got > 0 {
                done += got
            } else if got < 0, errno != EINTR {
                // getrandom(2) doesn't exist in this kernel, or a seccomp filter forbids it. The standard library uses
                // another source or ends the process; continuing with predictable bytes would be unsafe.
                var generator = SystemRandomNumberGenerator()
                for index in done..<count { room[index] = generator.next() }
                done = count
            }
        }
    }

    /// Random bytes that were requested in advance. No byte is returned twice, and no forked child continues with this
    /// memory.
    private final class Reserve: Sendable {
        private static let size = 1024
        private let bytes = Mutex<[UInt8]>([])

        func take(_ count: Int) -> [UInt8] {
            guard count <= Self.size else { return RandomBytes.make(count) }
            return bytes.withLock { bytes in
                if bytes.count < count { bytes = RandomBytes.make(Self.size) }
                let taken = Array(bytes.suffix(count))
                bytes.removeLast(count)
                return taken
            }
        }
    }
}
