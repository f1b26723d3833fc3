package import Glibc

/// The only way in which the program reads, replaces, appends to and removes its own files.
///
/// No link is followed at the end of a path, nor within it if another user made it. The file must be a regular file
/// that belongs to this user or root; one that everyone may change is not read. New files are 0600, new folders 0700.
/// The calls are short and synchronous.
package enum ProtectedFile {
    /// Reads the whole content of a file.
    /// - Parameters:
    ///   - path: the file.
    ///   - limit: the maximum size in bytes.
    ///   - isAdmitted: returns whether a file of this status may be read; it is called with the status of the opened
    ///     file itself.
    /// - Returns: `nil` when there is no such file.
    /// - Throws: `forbidden` for links, other owners, missing permissions and files that aren't admitted;
    ///   `invalidInput` for anything but a regular file; `limitExceeded` for more than `limit` bytes.
    package static func read(
        _ path: String, limit: Int = 64 << 20, isAdmitted: (stat) -> Bool = { _ in true }
    ) throws(MMError) -> [UInt8]? {
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDONLY, to: "read")
        else { return nil }
        if let status = file.status(), !isAdmitted(status) {
            throw MMError(
                .forbidden,
                "Other users can read \(path) (mode \(String(status.st_mode & 0o777, radix: 8))), which contains a secret.",
                hint: "chmod 600 \(ShellWord.quoted(path)); if somebody may have read it, renew the secret.",
                details: ["path": .string(path)])
        }
        try FileLocation.checkWriters(of: file, at: path)
        let expected = Int(file.status()?.st_size ?? 0)
        guard expected <= limit else { throw tooLarge(path, limit) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(expected + 1)
        var chunk = [UInt8](repeating: 0, count: max(4096, min(expected + 1, 1 << 20)))
        while true {
            let count = Glibc.read(file.number, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFault.error(errno, "read", path)
            }
            guard bytes.count + count <= limit else { throw tooLarge(path, limit) }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// Replaces a file's content atomically: readers see the old content or the new, even after a crash.
    /// - Parameters:
    ///   - path: the file; missing folders are created (0700).
    ///   - bytes: the new content.
    ///   - mode: the mode of a new file.
    ///   - keepingMode: whether to keep an existing file's mode instead of using `mode`.
    ///   - backup: whether to keep the old content beside the file, with `.bak` appended to its name.
    ///   - durable: whether to wait until the content is on disk; pass `false` for content that may be lost in a power
    ///     cut.
    /// - Throws: as `read`; the old content is then untouched.
    package static func replace(
        _ path: String, with bytes: [UInt8], mode: mode_t = 0o600, keepingMode: Bool = false, backup: Bool = false,
        durable: Bool = true
    ) throws(MMError) {
        let place = try FileLocation.making(path, to: "replace")
        let old = try place.status(to: "replace")
        place.sweepLeftovers()
        let wanted = keepingMode ? (old.map { $0.st_mode & 0o777 } ?? mode) : mode
        try place.put(bytes, mode: wanted, durable: durable, keepingBackup: backup && old != nil)
    }

    /// Replaces a file with what is made of its content. Of several processes that do so at once, each gets what the
    /// one before it has written.
    /// - Parameters:
    ///   - path: the file. It is locked itself and not by a file beside it, because it may be in a person's folder.
    ///   - limit: the maximum size in bytes.
    ///   - deadline: when to stop waiting for another process.
    ///   - change: makes the new content.
    /// - Throws: as `read` and `replace`, `notFound` for a missing file, `conflict` when the deadline passes,
    ///   `cancelled` when the task is cancelled, and what `change` throws.
    package static func update(
        _ path: String, limit: Int = 64 << 20, until deadline: Deadline = .after(.seconds(10)),
        _ change: ([UInt8]) throws(MMError) -> [UInt8]
    ) async throws(MMError) {
        var pause = Duration.milliseconds(1)
        while try !updateNow(path, limit, change) {
            guard !deadline.hasPassed else {
                throw MMError(
                    .conflict, "Another process is writing \(path).", hint: "Try again in a moment.", retry: .now,
                    details: ["path": .string(path)])
            }
            do {
                try await Task.sleep(for: min(pause, max(deadline.remaining, .zero)))
            } catch {
                throw MMError(.cancelled, "Cancelled while waiting for another process that writes \(path).")
            }
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    /// Replaces a file with what is made of its content, unless another process is doing so.
    /// - Returns: whether it was replaced.
    private static func updateNow(
        _ path: String, _ limit: Int, _ change: ([UInt8]) throws(MMError) -> [UInt8]
    ) throws(MMError) -> Bool {
        // Network file systems lock only files that are open for writing.
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDWR, to: "write to")
        else { throw MMError(.notFound, "\(path) no longer exists.", details: ["path": .string(path)]) }
        guard try FileLock.tryLock(file.number, path) else { return false }
        // Closing isn't enough: a program that another thread is starting has a copy of the descriptor until it runs.
        defer { flock(file.number, LOCK_UN) }
        // Whoever had the lock before may have replaced the file: then this is the lock of the old one.
        guard let opened = file.status(), let named = try place.status(to: "write to"),
            opened.st_ino == named.st_ino, opened.st_dev == named.st_dev, let bytes = try read(path, limit: limit)
        else { return false }
        try replace(path, with: try change(bytes))
        return true
    }

    /// Returns the content of a file that is written once and then kept, such as a name or a key; creates a missing
    /// one. Of several processes that create it at once, all get the content of the first.
    /// - Parameters:
    ///   - path: the file.
    ///   - limit: the maximum size in bytes.
    ///   - isSound: whether a content can be used; one that can't is replaced.
    ///   - make: makes the content of a new file.
    /// - Throws: as `read` and `replace`, and what `make` throws.
    package static func kept(
        at path: String, limit: Int = 4096, isSound: ([UInt8]) -> Bool = { _ in true },
        _ make: () throws(MMError) -> [UInt8]
    ) throws(MMError) -> [UInt8] {
        let found = try read(path, limit: limit)
        if let found, isSound(found) { return found }
        let made = try make()
        if found == nil {
            try FileLocation.making(path, to: "make").putNew(made, mode: 0o600)
        } else {
            try replace(path, with: made)
        }
        guard let kept = try read(path, limit: limit) else { throw FileFault.error(ENOENT, "read", path) }
        return kept
    }

    /// Checks, before work whose result it shall hold, that a file can be replaced; leaves it as it is.
    /// - Parameter path: the file; missing folders are created (0700).
    /// - Throws: what `replace` would throw now.
    package static func checkReplacing(_ path: String) throws(MMError) {
        let place = try FileLocation.making(path, to: "replace")
        _ = try place.status(to: "replace")
        let draft = place.draftName()
        defer { _ = unlinkat(place.folder.number, draft, 0) }
        try place.writeDraft(draft, [], mode: 0o600, durable: false)
    }

    /// Checks, before work whose result it shall hold, that a file can be appended to; creates a missing file, empty.
    /// - Throws: what `append` would throw now.
    package static func checkAppending(to path: String) throws(MMError) {
        _ = try FileLocation.made(path, O_WRONLY | O_APPEND, to: "write to")
    }

    /// Removes a file and all its drafts; removes a link without following it, and does nothing if the file is missing.
    /// The caller must hold the lock under which the file is written.
    package static func erase(_ path: String) throws(MMError) {
        guard let place = try FileLocation.resolve(path, creating: false) else { return }
        var isRemoved = unlinkat(place.folder.number, place.name, 0) == 0
        guard isRemoved || errno == ENOENT else { throw FileFault.error(errno, "remove", path) }
        defer { if isRemoved { place.syncFolder() } }
        if try place.removeDrafts() { isRemoved = true }
    }

    /// Removes a file; does nothing if it is missing.
    package static func remove(_ path: String) throws(MMError) {
        guard let place = try FileLocation.resolve(path, creating: false), try place.status(to: "remove") != nil else {
            return
        }
        guard unlinkat(place.folder.number, place.name, 0) == 0 || errno == ENOENT else {
            throw FileFault.error(errno, "remove", path)
        }
        place.syncFolder()
    }

    /// Appends a line to a file in a single write, so that lines of several processes don't mix.
    /// - Parameters:
    ///   - line: the line; a newline is added if missing.
    ///   - path: the file; created with mode 0600 if missing.
    package static func append(_ line: [UInt8], to path: String) throws(MMError) {
        let whole = line.last == 0x0A ? line : line + [0x0A]
        try write(whole, to: FileLocation.made(path, O_WRONLY | O_APPEND, to: "write to"), path: path)
    }

    /// Creates a folder and all folders above it (0700).
    ///
    /// An existing folder of this user that others may enter is closed to them, because its content is private.
    package static func makeDirectory(_ path: String) throws(MMError) {
        guard let folder = try FileLocation.folder(path, creating: true), let status = folder.status() else {
            throw FileFault.error(errno, "make the folder", path)
        }
        guard status.st_uid == geteuid() else { throw FileFault.wrongOwner(path, owner: status.st_uid) }
        // Several users share a sticky folder such as /tmp on purpose, so it stays open.
        if status.st_mode & 0o077 != 0, status.st_mode & 0o1000 == 0 {
            let number = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard number >= 0 else { throw FileFault.error(errno, "restrict the folder", path) }
            let opened = Descriptor(owning: number)
            guard fchmod(opened.number, 0o700) == 0 else {
                throw FileFault.error(errno, "restrict the folder", path)
            }
        }
    }

    /// Removes the permissions of group and others from a file.
    /// - Returns: whether there were any, so that the caller can warn; also `false` when there is no file.
    /// - Throws: as `read`, also for a file that everyone may change: its mode must tell so until its owner has checked
    ///   what it says.
    package static func tighten(_ path: String) throws(MMError) -> Bool {
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDONLY, to: "tighten"),
            let status = file.status(), status.st_mode & 0o077 != 0
        else { return false }
        try FileLocation.checkWriters(of: file, at: path)
        guard fchmod(file.number, status.st_mode & 0o700) == 0 else { throw FileFault.error(errno, "tighten", path) }
        return true
    }

    /// Returns whether an opened file of this status is closed to other users: only its owner has permissions, or it
    /// belongs to root, which lets a group read it. The latter is how secrets are mounted into containers that run as
    /// another user, and how the credentials of a systemd service look, whose list of access names only its user.
    package static func isPrivate(_ status: stat) -> Bool {
        if status.st_mode & 0o077 == 0 { return true }
        return status.st_mode & 0o037 == 0 && status.st_uid == 0 && geteuid() != 0
    }

    private static func tooLarge(_ path: String, _ limit: Int) -> MMError {
        MMError(
            .limitExceeded, "\(path) is larger than \(limit) bytes.",
            hint: "Check that it is the file you mean; it was not read.")
    }

    /// Writes all bytes or throws.
    static func write(_ bytes: [UInt8], to file: borrowing Descriptor, path: String) throws(MMError) {
        try write(bytes, to: file.number, path: path)
    }

    /// Writes all bytes to an open file or throws.
    static func write(_ bytes: [UInt8], to number: Int32, path: String) throws(MMError) {
        try FileBytes.write(bytes, to: number) { FileFault.error($0, "write to", path) }
    }
}
