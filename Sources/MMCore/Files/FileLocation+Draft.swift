import Glibc

extension FileLocation {
    /// Returns a name for a draft of the next content, beside the file. The name holds the process id, which tells
    /// abandoned drafts from those in use.
    borrowing func draftName() -> String {
        "\(draftStart)\(getpid())-\(Hex.text(RandomBytes.make(6)))"
    }

    private var draftStart: String { ".\(name).mm-" }

    /// Writes the next content to a draft beside the file and, if `durable`, waits until it is on disk.
    borrowing func writeDraft(
        _ draft: String, _ bytes: [UInt8], mode: mode_t, durable: Bool = true
    ) throws(MMError) {
        let number = openat(folder.number, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw FileFault.error(errno, "replace", path) }
        let file = Descriptor(owning: number)
        try ProtectedFile.write(bytes, to: file, path: path)
        guard fchmod(file.number, mode) == 0, !durable || fsync(file.number) == 0 else {
            throw FileFault.error(errno, "replace", path)
        }
    }

    /// Keeps the present content under the file's name plus `.bak`, replacing any earlier backup.
    borrowing func keepBackup() throws(MMError) {
        let backup = "\(name).bak"
        let draft = draftName()
        defer { _ = unlinkat(folder.number, draft, 0) }
        if linkat(folder.number, name, folder.number, draft, 0) != 0 {
            // Some file systems don't support hard links.
            guard let old = try open(O_RDONLY, to: "back up"), let status = old.status() else {
                throw FileFault.error(ENOENT, "back up", path)
            }
            let bytes = try ProtectedFile.read(path, limit: Int(status.st_size)) ?? []
            try writeDraft(draft, bytes, mode: status.st_mode & 0o777)
        }
        guard renameat(folder.number, draft, folder.number, backup) == 0 else {
            throw FileFault.error(errno, "back up", path)
        }
    }

    /// Removes the drafts of killed processes, for every file in the folder: they may hold live tokens, and the file
    /// they belong to may never be written again.
    borrowing func sweepLeftovers() {
        for found in FolderListing.names(in: folder) {
            guard let owner = Self.owner(ofDraft: found), owner != getpid(), kill(owner, 0) != 0, errno == ESRCH
            else { continue }
            // A process in another container is invisible here, so only an old draft is certain to be abandoned.
            var status = stat()
            guard fstatat(folder.number, found, &status, AT_SYMLINK_NOFOLLOW) == 0,
                Glibc.time(nil) - status.st_mtim.tv_sec > 60
            else { continue }
            _ = unlinkat(folder.number, found, 0)
        }
    }

    /// Removes every draft of this file. The caller must hold the lock under which the file is written, so that no
    /// replacement can be in progress.
    /// - Returns: whether any were removed.
    borrowing func removeDrafts() -> Bool {
        let start = draftStart
        var found = false
        for name in FolderListing.names(in: folder) where name.hasPrefix(start) && Self.owner(ofDraft: name) != nil {
            if unlinkat(folder.number, name, 0) == 0 { found = true }
        }
        return found
    }

    /// Returns the process id in the name of a draft, `.FILE.mm-PROCESS-RANDOM`; `nil` for other files.
    private static func owner(ofDraft name: String) -> pid_t? {
        guard name.hasPrefix("."), let end = name.lastIndex(of: "-") else { return nil }
        let front = name[..<end]
        guard let begin = front.lastIndex(where: { !$0.isASCII || !$0.isNumber }), front[...begin].hasSuffix(".mm-")
        else { return nil }
        return pid_t(front[front.index(after: begin)...])
    }
}
