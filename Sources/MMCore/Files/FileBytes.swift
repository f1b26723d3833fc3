import Glibc

/// Reads and writes the bytes of an open file. A call that was interrupted or did only part of the work goes on.
package enum FileBytes {
    /// Reads up to `count` bytes at an offset; returns fewer where the file ends first. It blocks.
    /// - Parameter fault: makes the error to throw of the system's error number.
    package static func read(
        _ descriptor: Int32, at offset: Int, upTo count: Int, orThrow fault: (Int32) -> MMError
    ) throws(MMError) -> [UInt8] {
        var number: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max(0, count)) { room, filled in
            filled = 0
            while filled < count {
                let read = pread(
                    descriptor, room.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if read < 0, errno == EINTR { continue }
                guard read > 0 else {
                    number = read < 0 ? errno : 0
                    return
                }
                filled += read
            }
        }
        if number != 0 { throw fault(number) }
        return bytes
    }

    /// Writes all bytes, at an offset or else where the descriptor is. It blocks.
    /// - Parameter fault: makes the error to throw of the system's error number.
    package static func write(
        _ bytes: [UInt8], to descriptor: Int32, at offset: Int? = nil, orThrow fault: (Int32) -> MMError
    ) throws(MMError) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { source in
                let (rest, count) = (source.baseAddress.map { $0 + done }, source.count - done)
                return offset.map { pwrite(descriptor, rest, count, off_t($0 + done)) }
                    ?? Glibc.write(descriptor, rest, count)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw fault(written < 0 ? errno : EIO) }
            done += written
        }
    }
}
