import Glibc
import MMCore
import MMSystem

/// A folder of a fresh name that only this user may enter, for the bodies of commands.
final class SessionFolder: Sendable {
    let path: String
    private let counter = Mutex(0)

    /// Makes the folder.
    /// - Parameter parent: where; `/tmp` is taken where it isn't there.
    init(in parent: String) throws(MMError) {
        var made: String?
        // The path is written into lines that the shell reads.
        for place in [parent, "/tmp"] where made == nil && place.hasPrefix("/") && !place.contains("'") {
            var name = Array((place + "/mm-sh-XXXXXX").utf8CString)
            // mkdtemp makes it 0700 and never follows a name that is taken.
            if mkdtemp(&name) != nil {
                made = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        guard let made else { throw SystemError.error("Creating a folder in \(parent)") }
        path = made
    }

    /// Writes a body into a new file: a shell that reads piece by piece must never see the next one.
    func store(_ body: [UInt8]) throws(MMError) -> String {
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        let file = "\(path)/\(number)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError.error("Making \(file)") }
        defer { close(descriptor) }
        var done = 0
        while done < body.count {
            let start = done
            let count = body.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                let error = SystemError.error("Writing \(file)")
                unlink(file)
                throw error
            }
            done += count
        }
        return file
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        guard let folder = opendir(path) else { return }
        while let item = readdir(folder) {
            let name = withUnsafeBytes(of: item.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            // A folder in it is the temporary one of a confined session; links are never followed.
            if unlink("\(path)/\(name)") != 0, errno == EISDIR || errno == EPERM { remove("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }
}
