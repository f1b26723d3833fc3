import Glibc

/// What this process holds, to see that a test leaves nothing behind.
struct Resources: Equatable {
    var descriptors: Int
    var threads: [String: Int]

    /// Counts descriptors and our own named threads.
    static func now() -> Resources {
        var threads: [String: Int] = [:]
        for task in entries("/proc/self/task") {
            guard let name = contents("/proc/self/task/\(task)/comm"), name.hasPrefix("mm-") else { continue }
            threads[name, default: 0] += 1
        }
        return Resources(descriptors: entries("/proc/self/fd").count, threads: threads)
    }

    /// How many children are watched.
    static var pidfds: Int {
        entries("/proc/self/fd").count { name in
            var target = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/self/fd/\(name)", &target, target.count)
            return count > 0
                && String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self).contains("pidfd")
        }
    }

    static func entries(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            // The entry ends with its name, so copying the whole field would read beyond it.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func contents(_ path: String) -> String? {
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
