internal import Glibc
package import MMCore
package import MMSystem

/// The part of a file that has arrived so far, beside its final place: `.report.pdf.mm-part-…`.
///
/// The name identifies the content, so that a later call can continue the draft and contents aren't mixed. Once
/// complete, the draft is renamed to the file's name in one step.
package final class DownloadDraft: Sendable {
    /// The file's final path, for messages.
    package let path: String
    private let folder: FileDescriptor
    private let file: FileDescriptor
    private let name: String
    private let draft: String
    private let size = Mutex(0)

    private static let mark = ".mm-part-"

    /// Opens the draft of a file, or creates it.
    /// - Parameters:
    ///   - folder: the folder of the file.
    ///   - name: the file's name.
    ///   - path: the file's path, for messages.
    ///   - content: the identity of the content; the same text finds the same draft again. `nil` for a draft that can't
    ///     be continued later.
    /// - Throws: `.conflict` when another process downloads the same file.
    package init(in folder: consuming FileDescriptor, name: String, path: String, content: String?) throws(MMError) {
        let start = Self.start(name)
        let draft = content.map { Self.named(name, content: $0) } ?? start + Hex.text(RandomBytes.make(8))
        let file = try Self.locked(draft, in: folder.raw, beside: path)
        var status = stat()
        guard fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw MMError(.forbidden, "\(draft), beside “\(path)”, isn't a regular file.")
        }
        // Drafts of other contents are no longer useful, unless another process is downloading them.
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

    /// Returns whether an earlier call began a download and didn't complete it.
    package static func isBegun(_ name: String, in folder: borrowing FileDescriptor, content: String) -> Bool {
        faccessat(folder.raw, named(name, content: content), F_OK, 0) == 0
    }

    private static func start(_ name: String) -> String { "." + name.prefix(150) + mark }

    private static func named(_ name: String, content: String) -> String {
        start(name) + Hex.text(SHA256.digest(content.utf8).prefix(8))
    }

    deinit {
        // Closing isn't enough: a program that another thread is starting has a copy of the descriptor until it runs.
        flock(file.raw, LOCK_UN)
    }

    /// Opens and locks a draft, or creates it.
    private static func locked(_ draft: String, in folder: Int32, beside path: String) throws(MMError)
        -> FileDescriptor
    {
        while true {
            let raw = openat(folder, draft, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
            guard raw >= 0 else { throw SystemError.error("Creating a file beside \(path)") }
            let file = FileDescriptor(owning: raw)
            guard flock(raw, LOCK_EX | LOCK_NB) == 0 else {
                throw MMError(
                    .conflict, "“\(path)” is already being downloaded.", hint: "Wait for the other call to end.")
            }
            // Another call may have completed or removed it before it was locked: then it is the finished file.
            var (opened, named) = (stat(), stat())
            guard fstat(raw, &opened) == 0, fstatat(folder, draft, &named, AT_SYMLINK_NOFOLLOW) == 0,
                opened.st_ino == named.st_ino, opened.st_dev == named.st_dev
            else { continue }
            return file
        }
    }

    /// The number of bytes that have arrived.
    var count: Int { size.withLock { $0 } }

    /// Appends bytes that arrived.
    func append(_ bytes: [UInt8]) async throws(MMError) {
        try await BlockingWork.run { [self] () throws(MMError) in
            let start = count
            try FileBytes.write(bytes, to: file.raw, at: start) { SystemError.error("Writing \(path)", $0) }
            size.withLock { $0 = start + bytes.count }
        }
    }

    /// Drops the bytes that have arrived.
    func restart() throws(MMError) {
        guard ftruncate(file.raw, 0) == 0 else { throw SystemError.error("Writing \(path)") }
        size.withLock { $0 = 0 }
    }

    /// Reads the draft and returns its checksum.
    func checksum() async throws(MMError) -> String {
        try await BlockingWork.run { [self] () throws(MMError) in
            var hash = QuickXorHash()
            var start = 0
            while true {
                let piece = try FileBytes.read(file.raw, at: start, upTo: 1 << 20) {
                    SystemError.error("Reading \(path)", $0)
                }
                if piece.isEmpty { return Base64.text(hash.finish()) }
                hash.update(piece)
                start += piece.count
            }
        }
    }

    /// Renames the draft to the file's name.
    /// - Returns: the path of the file.
    /// - Throws: `.conflict` if a file of that name exists and may not be replaced; the draft stays.
    func finish(_ conflict: ConflictBehavior) async throws(MMError) -> String {
        try await BlockingWork.run { [self] () throws(MMError) in
            var old = stat()
            let exists = fstatat(folder.raw, name, &old, AT_SYMLINK_NOFOLLOW) == 0
            let keeps = exists && conflict == .replace
            let mode = keeps ? old.st_mode & 0o777 : 0o644
            // Only root may give a file away.
            if keeps { _ = fchown(file.raw, old.st_uid, old.st_gid) }
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
                // Unlike a rename, a hard link never replaces a file.
                if linkat(folder.raw, draft, folder.raw, free, 0) == 0 {
                    unlinkat(folder.raw, draft, 0)
                    fsync(folder.raw)
                    return parent + free
                }
                let fault = errno
                var status = stat()
                // Some file systems have no hard links.
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

    /// Removes the draft, because nothing is left to continue.
    package func discard() { unlinkat(folder.raw, draft, 0) }

    /// Throws if a file is in the way, before anything is downloaded.
    func checkFree(_ conflict: ConflictBehavior) throws(MMError) {
        var status = stat()
        guard conflict == .fail, fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        if count == 0 { discard() }
        throw Self.taken(path)
    }

    private static func names(in folder: Int32) -> [String] {
        (FolderListing.names(in: folder) ?? []).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func taken(_ path: String) -> MMError {
        MMError(
            .conflict, "“\(path)” already exists.",
            hint: "Use another name (--conflict replace or rename accepts this one).")
    }

    private static func numbered(_ name: String, _ number: Int) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "\(name) \(number)" }
        return "\(name[..<dot]) \(number)\(name[dot...])"
    }
}
