import Glibc

/// An opened and checked folder, and the name of a file in it.
///
/// All of the program's own files are reached this way, so that nobody can swap a folder or plant a link between check
/// and use: the folders of the path are opened one by one, and the file by its name inside the last one.
struct FileLocation: ~Copyable {
    /// The opened folder, usable only for `…at` calls.
    let folder: Descriptor
    /// The file's own name.
    let name: String
    /// The whole path, for error messages.
    let path: String

    // Opens a name without reading it (open(2), O_PATH), which suffices for a folder that may be entered but not
    // listed. The value is the same on x86-64 and arm64; the Glibc module hides it behind _GNU_SOURCE.
    private static let pathOnly: Int32 = 0o10000000

    /// Opens and checks the folder of a file.
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - creating: whether to create missing folders (0700).
    /// - Returns: `nil` when a folder is missing and `creating` is `false`.
    /// - Throws: an error when `path` isn't a file path, a folder can't be entered, or another user could swap the
    ///   file.
    static func resolve(_ path: String, creating: Bool) throws(MMError) -> FileLocation? {
        try checkText(path)
        var parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard let name = parts.popLast(), name != ".", name != "..", path.utf8.last != UInt8(ascii: "/") else {
            throw MMError(.invalidInput, "'\(path)' isn't the path of a file.", hint: "Give the path of a file.")
        }
        guard let folder = try openFolders(parts, absolute: path.hasPrefix("/"), creating: creating, path: path) else {
            return nil
        }
        try checkFolder(folder, of: path)
        return FileLocation(folder: folder, name: name, path: path)
    }

    /// Opens and checks the folder of a file, creating missing folders (0700).
    static func making(_ path: String, to action: String) throws(MMError) -> FileLocation {
        guard let place = try resolve(path, creating: true) else { throw FileFault.error(ENOENT, action, path) }
        return place
    }

    /// Opens a file, creating it and missing folders (0600, 0700).
    static func made(_ path: String, _ flags: Int32, to action: String) throws(MMError) -> Descriptor {
        guard let file = try making(path, to: action).open(flags | O_CREAT, to: action) else {
            throw FileFault.error(ENOENT, action, path)
        }
        return file
    }

    /// Opens a folder, checking every component of its path.
    /// - Returns: `nil` when it is missing and `creating` is `false`.
    static func folder(_ path: String, creating: Bool) throws(MMError) -> Descriptor? {
        try checkText(path)
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        return try openFolders(parts, absolute: path.hasPrefix("/"), creating: creating, path: path)
    }

    private static func checkText(_ path: String) throws(MMError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw MMError(
                .invalidInput, "A path is empty or contains a NUL character.", hint: "Give the path of a file.")
        }
    }

    private static func openFolders(
        _ parts: [String], absolute: Bool, creating: Bool, path: String
    ) throws(MMError) -> Descriptor? {
        var current = try root(absolute ? "/" : ".", path)
        var place = absolute ? "" : "."
        var pending = Array(parts.reversed())
        var links = 0
        while let part = pending.popLast() {
            if part == "." { continue }
            var number = openat(current.number, part, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            if number < 0, errno == ENOENT {
                guard creating else { return nil }
                // Another process may have created it meanwhile, which is fine.
                guard mkdirat(current.number, part, 0o700) == 0 || errno == EEXIST else {
                    throw FileFault.error(errno, "make the folder", "\(place)/\(part)")
                }
                number = openat(current.number, part, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            }
            guard number >= 0 else { throw FileFault.error(errno, "reach", path) }
            let next = Descriptor(owning: number)
            guard let status = next.status() else { throw FileFault.error(errno, "reach", path) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                current = next
                place += "/\(part)"
            case S_IFLNK:
                guard status.st_uid == geteuid() || status.st_uid == 0 else {
                    throw MMError(
                        .forbidden,
                        "'\(part)' in the path \(path) is a symbolic link of user \(status.st_uid); it is not followed.",
                        hint: "Use a path without links of other users.")
                }
                links += 1
                guard links <= 40, let target = target(of: next) else { throw FileFault.error(ELOOP, "reach", path) }
                pending += target.split(separator: "/", omittingEmptySubsequences: true).map(String.init).reversed()
                if target.hasPrefix("/") {
                    current = try root("/", path)
                    place = ""
                }
            default:
                throw FileFault.error(ENOTDIR, "reach", path)
            }
        }
        return current
    }

    private static func root(_ start: String, _ path: String) throws(MMError) -> Descriptor {
        let number = Glibc.open(start, pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw FileFault.error(errno, "reach", path) }
        return Descriptor(owning: number)
    }

    private static func target(of link: borrowing Descriptor) -> String? {
        let number = link.number
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
            count = buffer.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return 0 }
                return max(0, readlinkat(number, "", start, text.count))
            }
        }
        return bytes.isEmpty ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// Refuses a folder in which another user could swap the file.
    private static func checkFolder(_ folder: borrowing Descriptor, of path: String) throws(MMError) {
        guard let status = folder.status() else { throw FileFault.error(errno, "reach", path) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw MMError(
                .forbidden, "The folder of \(path) belongs to user \(status.st_uid), who could replace the file.",
                hint: "Use a folder that you own.")
        }
        if status.st_mode & 0o002 != 0, status.st_mode & 0o1000 == 0 {
            throw MMError(
                .forbidden, "Everyone can write to the folder of \(path), so anyone could replace the file.",
                hint: "Remove the permission (chmod o-w on the folder) or use another folder.")
        }
    }
}

extension FileLocation {
    /// Refuses a file that everyone may change, as a folder in which everyone may replace it. Nobody can change a file
    /// on a file system that is mounted read-only, whatever its mode says.
    static func checkWriters(of file: borrowing Descriptor, at path: String) throws(MMError) {
        guard let status = file.status(), status.st_mode & 0o002 != 0 else { return }
        var system = statvfs()
        if fstatvfs(file.number, &system) == 0, system.f_flag & UInt(ST_RDONLY) != 0 { return }
        throw MMError(
            .forbidden, "Everyone can write to \(path), so anyone could have changed it.",
            hint: "Check what it says, then remove the permission: chmod o-w \(ShellWord.quoted(path)).",
            details: ["path": .string(path)])
    }

    /// Opens the file by its name in the folder, never through a link. A file that `O_CREAT` makes is only for its
    /// owner.
    /// - Returns: `nil` when there is no such file.
    borrowing func open(_ flags: Int32, to action: String) throws(MMError) -> Descriptor? {
        // O_NONBLOCK: opening a FIFO in the file's place must not block before it is recognised.
        let number = openat(folder.number, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
        if number < 0 {
            if errno == ENOENT { return nil }
            throw FileFault.error(errno, action, path)
        }
        let file = Descriptor(owning: number)
        try FileLocation.check(file.status(), at: path, action)
        return file
    }

    /// Returns the status of what the name refers to now, without following a link; `nil` when there is nothing.
    borrowing func status(to action: String) throws(MMError) -> stat? {
        var status = stat()
        guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return nil }
            throw FileFault.error(errno, action, path)
        }
        if status.st_mode & S_IFMT == S_IFLNK { throw FileFault.symlink(path) }
        try FileLocation.check(status, at: path, action)
        return status
    }

    private static func check(_ status: stat?, at path: String, _ action: String) throws(MMError) {
        guard let status else { throw FileFault.error(errno, action, path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MMError(
                .invalidInput, "\(path) isn't a regular file.", hint: "Move it away, or use another file.")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw FileFault.wrongOwner(path, owner: status.st_uid)
        }
    }

    /// Syncs the folder, so that renames and removals in it survive a power cut.
    borrowing func syncFolder() {
        let number = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // A folder that may be written but not listed can't be synced; the rename itself is still atomic.
        guard number >= 0 else { return }
        let readable = Descriptor(owning: number)
        _ = fsync(readable.number)
    }
}

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

    /// Writes a draft and puts it in the place of whatever has the file's name; a link there is replaced itself.
    borrowing func put(
        _ bytes: [UInt8], mode: mode_t, durable: Bool = false, keepingBackup: Bool = false
    ) throws(MMError) {
        let draft = draftName()
        do throws(MMError) {
            try writeDraft(draft, bytes, mode: mode, durable: durable)
            if keepingBackup { try keepBackup() }
            guard renameat(folder.number, draft, folder.number, name) == 0 else {
                throw FileFault.error(errno, "replace", path)
            }
        } catch {
            _ = unlinkat(folder.number, draft, 0)
            throw error
        }
        if durable { syncFolder() }
    }

    /// Writes a draft and gives it the file's name, unless another process was first.
    borrowing func putNew(_ bytes: [UInt8], mode: mode_t) throws(MMError) {
        let draft = draftName()
        defer { _ = unlinkat(folder.number, draft, 0) }
        try writeDraft(draft, bytes, mode: mode)
        if linkat(folder.number, draft, folder.number, name, 0) != 0, errno != EEXIST {
            // Some file systems don't support hard links.
            guard renameat(folder.number, draft, folder.number, name) == 0 else {
                throw FileFault.error(errno, "make", path)
            }
        }
        syncFolder()
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
        for found in (try? FolderListing.names(in: folder, at: path)) ?? [] {
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
    /// - Throws: the errors of listing the folder.
    borrowing func removeDrafts() throws(MMError) -> Bool {
        let start = draftStart
        var found = false
        for name in try FolderListing.names(in: folder, at: path)
        where name.hasPrefix(start) && Self.owner(ofDraft: name) != nil {
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

/// Turns an `errno` from a file operation into an error that names the file and the remedy.
package enum FileFault {
    /// Returns the error for a failed call.
    /// - Parameters:
    ///   - number: `errno` right after the call.
    ///   - action: what was attempted, such as "read" or "replace".
    ///   - path: the file.
    package static func error(_ number: Int32, _ action: String, _ path: String) -> MMError {
        let reason = String(cString: strerror(number))
        let cause = "errno \(number): \(reason)"
        switch number {
        case EROFS:
            return MMError(
                .forbidden, "Can't \(action) \(path): \(reason).",
                hint: "Mount the file system as writable, or \(anotherPlace).",
                cause: cause)
        // Not `notFound`, which callers take for the absence of what they asked for.
        case ENOENT:
            return MMError(
                .unavailable, "Can't \(action) \(path): \(reason).",
                hint: "Make its folder, or \(anotherPlace).",
                cause: cause)
        case EACCES, EPERM:
            return MMError(
                .forbidden, "Can't \(action) \(path): \(reason).",
                hint: "Check the owners and modes of the file and its folders (namei -l \(ShellWord.quoted(path))), or "
                    + "\(anotherPlace).",
                cause: cause)
        case ENOSPC, EDQUOT, EFBIG:
            return MMError(
                .limitExceeded, "Can't \(action) \(path): \(reason).",
                hint: "Nothing was changed. Free some space and try again.", retry: .now, cause: cause)
        case EMFILE, ENFILE:
            return MMError(
                .unavailable, "Can't \(action) \(path): \(reason).",
                hint: "Raise the limit of open files (ulimit -n), or ask fewer connections at once.", cause: cause)
        case ELOOP:
            return symlink(path)
        case ENOTDIR:
            return MMError(
                .invalidInput, "Can't \(action) \(path): a part of the path is a file, not a folder.",
                hint: "Correct the path.", cause: cause)
        case ENAMETOOLONG:
            return MMError(.invalidInput, "Can't \(action) \(path.prefix(80))…: the path is too long.", cause: cause)
        case EBUSY:
            return MMError(
                .conflict, "Can't \(action) \(path): it is mounted or in use.",
                hint: "A single file that is mounted into a container can't be replaced: mount its folder.",
                cause: cause)
        default:
            return MMError(.internalError, "Can't \(action) \(path): \(reason).", cause: cause)
        }
    }

    /// What helps where a file of the program is in a place that it can't use.
    private static let anotherPlace =
        "keep mm's own files elsewhere (HOME, or MM_STATE_DIR, MM_TOKEN_DIR, MM_LOG_DIR and MM_CONNECTIONS)"

    /// Refuses a symbolic link where one of the program's own files is expected.
    static func symlink(_ path: String) -> MMError {
        MMError(
            .forbidden,
            "\(path) is a symbolic link; it is not followed, because it may lead to another user's file.",
            hint: "Put the file itself there, or use the path of the real file.")
    }

    /// Refuses a file that belongs to another user.
    static func wrongOwner(_ path: String, owner: uid_t) -> MMError {
        MMError(
            .forbidden, "\(path) belongs to user \(owner), not to you (user \(geteuid())).",
            hint: "Use a path that you own, or change the owner: chown \(geteuid()) \(ShellWord.quoted(path)).")
    }
}

/// An open file descriptor with a single owner, closed exactly once when its owner is destroyed.
struct Descriptor: ~Copyable {
    /// The kernel's number for the descriptor.
    let number: Int32

    /// Takes ownership of a newly opened descriptor.
    init(owning number: Int32) {
        self.number = number
    }

    deinit { _ = close(number) }

    /// Reads up to `limit` bytes at `offset`; returns fewer where the file ends first.
    /// - Parameter name: the file's name, for error messages.
    func bytes(from offset: Int, limit: Int, of name: String) throws(MMError) -> [UInt8] {
        try FileBytes.read(number, at: offset, upTo: limit) { FileFault.error($0, "read", name) }
    }

    /// Opens a folder within an opened one, never through a link; `nil` if it can't be opened.
    static func folder(_ name: String, in folder: Int32) -> Descriptor? {
        let number = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        return number < 0 ? nil : Descriptor(owning: number)
    }

    /// Opens a folder within this one, as `folder(_:in:)` does.
    func folder(_ name: String) -> Descriptor? { Descriptor.folder(name, in: number) }

    /// Returns the result of fstat(2); `nil` when it fails.
    func status() -> stat? {
        var status = stat()
        return fstat(number, &status) == 0 ? status : nil
    }
}

/// Lists the names in a folder.
package enum FolderListing {
    /// Returns the names in a protected folder, without `.` and `..`, in no particular order; empty when there is no
    /// such folder.
    /// - Throws: the errors of opening and reading it: what can't be read isn't empty.
    package static func names(in path: String) throws(MMError) -> [String] {
        guard let folder = try FileLocation.folder(path, creating: false) else { return [] }
        return try names(in: folder, at: path)
    }

    /// Returns the names in an opened folder.
    /// - Parameter path: its path, for error messages.
    static func names(in folder: borrowing Descriptor, at path: String) throws(MMError) -> [String] {
        guard let names = names(in: folder.number) else { throw FileFault.error(errno, "list", path) }
        return names.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Returns the names in an opened folder as they are stored, without `.` and `..`, in no particular order.
    /// - Returns: `nil`, with the reason in `errno`, if it can't be read to its end.
    package static func names(in folder: Int32) -> [[UInt8]]? {
        let number = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        guard let listing = fdopendir(number) else {
            let fault = errno
            close(number)
            errno = fault
            return nil
        }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(listing) {
            // An entry is only as long as its name: copying it as a whole value would read past its end.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: Int(NAME_MAX) + 1) { start in
                    Array(UnsafeBufferPointer(start: start, count: strlen(start)))
                }
            }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
            errno = 0
        }
        let fault = errno
        closedir(listing)
        errno = fault
        return fault == 0 ? names : nil
    }
}

/// A protected file that is kept open between writes for as long as its path still leads to it.
///
/// Opening a file with all checks takes a dozen system calls, and a busy pool writes a log line for every call.
struct HeldFile: ~Copyable {
    /// The open file.
    let file: Descriptor
    private let device: dev_t
    private let inode: ino_t

    /// Opens a file with the usual checks, creating it if missing.
    init(_ path: String, _ flags: Int32, to action: String) throws(MMError) {
        let file = try FileLocation.made(path, flags, to: action)
        guard let status = file.status() else { throw FileFault.error(errno, action, path) }
        self.file = file
        device = status.st_dev
        inode = status.st_ino
    }

    /// Returns the status of the file at `path`.
    /// - Returns: `nil` when the path no longer leads to this file.
    borrowing func status(at path: String) -> stat? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return nil }
        return status
    }
}
