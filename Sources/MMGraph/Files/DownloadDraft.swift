internal import Glibc
package import MMCore
package import MMSystem

/// What has arrived of a file, beside the place where it will stand: `.report.pdf.mm-part-…`.
///
/// The name says which content it is a part of, so that a later call goes on with it and no other content is mixed in. When
/// it is whole it gets the file's name in one step.
package final class DownloadDraft: Sendable {
    /// Where the file will stand, for messages.
    package let path: String
    private let folder: FileDescriptor
    private let file: FileDescriptor
    private let name: String
    private let draft: String
    private let size = Mutex(0)

    private static let mark = ".mm-part-"

    /// Opens what has arrived of a file, or begins it.
    /// - Parameters:
    ///   - folder: the folder that it will stand in.
    ///   - name: its name there.
    ///   - path: its whole path, for messages.
    ///   - content: says which content it is; the same text finds the same draft again. `nil` for one that nobody can go
    ///     on with.
    /// - Throws: `.conflict` when another process fetches the same.
    package init(in folder: consuming FileDescriptor, name: String, path: String, content: String?) throws(MMError) {
        let start = "." + name.prefix(150) + Self.mark
        let suffix = content.map { Hex.text(SHA256.digest($0.utf8).prefix(8)) } ?? Hex.text(RandomBytes.make(8))
        let draft = start + suffix
        let raw = openat(folder.raw, draft, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard raw >= 0 else { throw SystemError.error("Creating a file beside \(path)") }
        let file = FileDescriptor(owning: raw)
        guard flock(raw, LOCK_EX | LOCK_NB) == 0 else {
            throw MMError(
                .conflict, "“\(path)” is being fetched already.", hint: "Wait for the other call to end.")
        }
        var status = stat()
        guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw MMError(.forbidden, "What stands beside “\(path)” as \(draft) isn't a regular file.")
        }
        // Parts of other contents are of no use any more, unless somebody is fetching them.
        for found in Self.names(in: folder.raw) where found.hasPrefix(start) && found != draft {
            let other = openat(folder.raw, found, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            guard other >= 0 else { continue }
            let owned = FileDescriptor(owning: other)
            if flock(owned.raw, LOCK_EX | LOCK_NB) == 0 { unlinkat(folder.raw, found, 0) }
        }
        self.path = path
        self.name = name
        self.draft = draft
        self.file = file
        self.folder = folder
        size.withLock { $0 = Int(status.st_size) }
    }

    /// How many bytes have arrived.
    var count: Int { size.withLock { $0 } }

    /// Adds what arrived.
    func append(_ bytes: [UInt8]) async throws(MMError) {
        try await BlockingWork.run { [self] () throws(MMError) in
            var done = 0
            let start = count
            while done < bytes.count {
                let written = bytes.withUnsafeBytes {
                    pwrite(file.raw, $0.baseAddress.map { $0 + done }, bytes.count - done, off_t(start + done))
                }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw SystemError.error("Writing \(path)") }
                done += written
            }
            size.withLock { $0 = start + done }
        }
    }

    /// Drops what has arrived.
    func restart() throws(MMError) {
        guard ftruncate(file.raw, 0) == 0 else { throw SystemError.error("Writing \(path)") }
        size.withLock { $0 = 0 }
    }

    /// Reads the draft for its checksums.
    func checksum() async throws(MMError) -> String {
        try await BlockingWork.run { [self] () throws(MMError) in
            var hash = QuickXorHash()
            var room = [UInt8](repeating: 0, count: 1 << 20)
            var start = 0
            while true {
                let read = pread(file.raw, &room, room.count, off_t(start))
                if read < 0, errno == EINTR { continue }
                guard read >= 0 else { throw SystemError.error("Reading \(path)") }
                guard read > 0 else { return Base64.text(hash.finish()) }
                hash.update(room[..<read])
                start += read
            }
        }
    }

    /// Gives the draft the file's name.
    /// - Returns: the path of the file.
    /// - Throws: `.conflict` where a file of that name is there and may not be replaced; the draft stays.
    func finish(_ conflict: ConflictBehavior) async throws(MMError) -> String {
        try await BlockingWork.run { [self] () throws(MMError) in
            var old = stat()
            let exists = fstatat(folder.raw, name, &old, AT_SYMLINK_NOFOLLOW) == 0
            let mode = exists && conflict == .replace ? old.st_mode & 0o777 : 0o644
            guard fchmod(file.raw, mode) == 0, fsync(file.raw) == 0 else {
                throw SystemError.error("Writing \(path)")
            }
            let parent = path.hasSuffix("/" + name) ? String(path.dropLast(name.utf8.count)) : ""
            if conflict == .replace {
                guard !exists || old.st_mode & S_IFMT != S_IFDIR else {
                    throw MMError(.invalidInput, "“\(path)” is a folder.", hint: "Give the path of a file.")
                }
                guard renameat(folder.raw, draft, folder.raw, name) == 0 else {
                    throw SystemError.error("Writing \(path)")
                }
                fsync(folder.raw)
                return path
            }
            for number in 0..<1000 {
                let free = number == 0 ? name : Self.numbered(name, number)
                // A link never replaces anything, unlike a renaming.
                if linkat(folder.raw, draft, folder.raw, free, 0) == 0 {
                    unlinkat(folder.raw, draft, 0)
                    fsync(folder.raw)
                    return parent + free
                }
                let fault = errno
                var status = stat()
                // Some file systems have no links.
                if [EPERM, EOPNOTSUPP, ENOSYS].contains(fault),
                    fstatat(folder.raw, free, &status, AT_SYMLINK_NOFOLLOW) != 0,
                    renameat(folder.raw, draft, folder.raw, free) == 0
                {
                    fsync(folder.raw)
                    return parent + free
                }
                guard fault == EEXIST || fault == EPERM else { throw SystemError.error("Writing \(path)", fault) }
                guard conflict == .rename else { throw Self.taken(path) }
            }
            throw Self.taken(path)
        }
    }

    /// Removes the draft: nobody can go on with it.
    func discard() { unlinkat(folder.raw, draft, 0) }

    /// Throws where a file is in the way, before anything is fetched.
    func checkFree(_ conflict: ConflictBehavior) throws(MMError) {
        var status = stat()
        guard conflict == .fail, fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        if count == 0 { discard() }
        throw Self.taken(path)
    }

    private static func names(in folder: Int32) -> [String] {
        let number = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0, let listing = fdopendir(number) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
                })
        }
        return names
    }

    private static func taken(_ path: String) -> MMError {
        MMError(
            .conflict, "“\(path)” is there already.",
            hint: "Name another file, or say what becomes of it (--conflict replace or rename).")
    }

    private static func numbered(_ name: String, _ number: Int) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "\(name) \(number)" }
        return "\(name[..<dot]) \(number)\(name[dot...])"
    }
}
