import Glibc

/// The resources of this process, to check that a test leaks none.
package enum Resources {
    /// Our own named threads, counted by name.
    package static var threads: [String: Int] {
        var threads: [String: Int] = [:]
        for task in TestFolder.names(in: "/proc/self/task") {
            guard let name = contents("/proc/self/task/\(task)/comm"), name.hasPrefix("mm-") else { continue }
            threads[name, default: 0] += 1
        }
        return threads
    }

    /// How many children are watched.
    package static var pidfds: Int {
        TestFolder.names(in: "/proc/self/fd").count { name in
            var target = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/self/fd/\(name)", &target, target.count)
            return count > 0
                && String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self).contains("pidfd")
        }
    }

    /// The beginning of a file such as those of `/proc`, without the final newline.
    package static func contents(_ path: String) -> String? {
        let descriptor = Glibc.open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        var text = String(decoding: bytes.prefix(count), as: UTF8.self)
        if text.hasSuffix("\n") { text.removeLast() }
        return text
    }
}
