import Glibc
import MMCore
import MMDesk
import MMShell
import MMSystem

/// A local file that rows are written to as they arrive. It gets its name only once it is complete.
final class RowFile: Sendable {
    private let place: LocalFiles.Place
    private let draft: String
    private let file: FileDescriptor
    private let size = Mutex(0)

    /// Begins a file.
    /// - Throws: `conflict` for an existing file that may not be replaced; the error of the folder.
    init(at place: LocalFiles.Place, replaces: Bool) async throws(MMError) {
        self.place = place
        let draft = ".\(place.name.prefix(100)).mm-\(Hex.text(RandomBytes.make(6)))"
        self.draft = draft
        let opened = try await BlockingWork.run { () throws(MMError) -> Int32 in
            var old = stat()
            let exists = fstatat(place.folder.raw, place.name, &old, AT_SYMLINK_NOFOLLOW) == 0
            guard !exists || replaces else {
                throw MMError(
                    .conflict, "\(place.path) already exists.", hint: "Use another name.",
                    details: ["path": .string(place.path)])
            }
            guard !exists || old.st_mode & S_IFMT == S_IFREG else {
                throw MMError(.invalidInput, "\(place.path) is not a regular file.", hint: "Give the path of a file.")
            }
            let raw = openat(place.folder.raw, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard raw >= 0 else { throw SystemError.error("Creating a file beside \(place.path)") }
            return raw
        }
        file = FileDescriptor(owning: opened)
    }

    deinit { unlinkat(place.folder.raw, draft, 0) }

    /// Appends bytes.
    func write(_ bytes: [UInt8]) async throws(MMError) {
        guard !bytes.isEmpty else { return }
        let (raw, path) = (file.raw, place.path)
        try await BlockingWork.run { () throws(MMError) in
            try LocalFiles.put(bytes, raw, path)
        }
        size.withLock { $0 += bytes.count }
    }

    /// Gives the file its name.
    /// - Returns: the size of the file in bytes.
    func finish() async throws(MMError) -> Int {
        let (place, draft, raw) = (place, draft, file.raw)
        try await BlockingWork.run { () throws(MMError) in
            guard fchmod(raw, 0o644) == 0, fsync(raw) == 0,
                renameat(place.folder.raw, draft, place.folder.raw, place.name) == 0
            else { throw SystemError.error("Writing \(place.path)") }
            fsync(place.folder.raw)
        }
        return size.withLock { $0 }
    }
}
