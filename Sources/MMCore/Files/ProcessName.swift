import Glibc

/// The name of this process in lock files and logs.
enum ProcessName {
    /// The program's file name, as the kernel reports it.
    static let own: String = {
        let bytes = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            let number = Glibc.open("/proc/self/comm", O_RDONLY | O_CLOEXEC)
            guard number >= 0 else {
                count = 0
                return
            }
            count = max(0, Glibc.read(number, buffer.baseAddress, buffer.count))
            close(number)
        }
        let name = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return name.isEmpty ? "unknown" : name
    }()
}
