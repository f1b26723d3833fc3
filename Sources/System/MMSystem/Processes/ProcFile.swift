import Glibc
package import MMCore

/// Reads files of `/proc`, whose size isn't known in advance.
package enum ProcFile {
    /// A function that returns up to that many bytes of a file, as `look` does.
    package typealias Reader = (_ path: String, _ limit: Int) throws(MMError) -> [UInt8]?

    /// Returns up to `limit` bytes of a file; nil when it can't be read.
    package static func read(_ path: String, limit: Int) -> [UInt8]? {
        (try? look(path, limit)) ?? nil
    }

    /// Returns up to `limit` bytes of a file; nil when there is none or it isn't shown to this process.
    /// - Throws: `unavailable` if this process lacks the means to look, which says nothing about the file.
    package static func look(_ path: String, _ limit: Int) throws(MMError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            try checkMeans()
            return nil
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &room, min(room.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes.append(contentsOf: room.prefix(count))
        }
        return bytes
    }

    /// Returns the numeric names in a folder: processes, threads or descriptors.
    package static func numericNames(in folder: String) -> [Int32] {
        (try? lookForNumbers(in: folder)) ?? []
    }

    /// Returns the numeric names in a folder; none if there is no such folder or it isn't shown to this process.
    /// - Throws: `unavailable` if this process lacks the means to look.
    package static func lookForNumbers(in folder: String) throws(MMError) -> [Int32] {
        guard let listing = opendir(folder) else {
            try checkMeans()
            return []
        }
        defer { closedir(listing) }
        var numbers: [Int32] = []
        while let entry = readdir(listing) {
            // An entry is only as long as its name; copying the struct would read past its end.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
            let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            if let number = Int32(name) { numbers.append(number) }
        }
        return numbers
    }

    /// Throws if `errno` says that this process has no descriptor or memory left.
    private static func checkMeans() throws(MMError) {
        let number = errno
        guard [EMFILE, ENFILE, ENOMEM].contains(number) else { return }
        throw SystemError.error("Looking at processes in /proc", number)
    }

    /// Returns the target of a symbolic link.
    package static func linkTarget(_ path: String) -> String? {
        var room = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &room, room.count)
        return count > 0 ? String(decoding: room[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
