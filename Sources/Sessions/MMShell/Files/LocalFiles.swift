import Glibc
package import MMCore
import MMSystem

/// Files of this machine, for upload and download in a local shell session.
///
/// A folder is opened first, and the rules are checked on the opened folder, so that replacing a link meanwhile leads
/// nowhere else.
package struct LocalFiles: Sendable {
    let rules: FileRules
    /// The directory to which paths are relative.
    package let directory: String

    /// Creates access from a directory.
    /// - Parameter directory: the directory to which paths are relative, usually the session's working directory.
    package init(directory: String, rules: FileRules) {
        self.directory = directory
        self.rules = rules
    }

    /// Returns a file as a source that is read while it is sent.
    /// - Throws: as `read`.
    package func source(_ path: String) async throws(MMError) -> FileSource {
        let (rules, whole) = (rules, try absolute(path))
        return try await BlockingWork.run { () throws(MMError) in
            let file = try FileDescriptor.open(whole, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let size = try Self.size(of: file.raw, at: whole, rules, asked: path)
            guard size <= rules.limit else {
                throw MMError(
                    .limitExceeded, "“\(path)” has \(size) bytes; the limit is \(rules.limit).",
                    hint: "A person can raise maxFileBytes in the shells file.")
            }
            return FileSource(of: OwnedDescriptor(file), count: size, named: path)
        }
    }

    /// Returns the size of an opened file, after checking that it may be read.
    private static func size(of file: Int32, at whole: String, _ rules: FileRules, asked path: String) throws(MMError)
        -> Int
    {
        try rules.check(real: place(of: file) ?? whole, asked: path)
        var info = stat()
        guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw MMError(.invalidInput, "“\(path)” isn't a regular file.", hint: "Give the path of a file.")
        }
        return Int(info.st_size)
    }

    /// Reads a file or a part of it.
    /// - Throws: `.notFound`, `.denied`, `.forbidden`, `.invalidInput` if it isn't a regular file, `.limitExceeded`.
    package func read(_ path: String, from offset: Int = 0, limit: Int? = nil) async throws(MMError) -> FilePiece {
        let (rules, whole) = (rules, try absolute(path))
        guard offset >= 0 else { throw MMError(.invalidInput, "The offset \(offset) is before the start of the file.") }
        return try await BlockingWork.run { () throws(MMError) in
            // Without O_NONBLOCK, opening a named pipe would wait for a writer.
            let file = try FileDescriptor.open(whole, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let size = try Self.size(of: file.raw, at: whole, rules, asked: path)
            let wanted = min(limit ?? Int.max, max(0, size - offset))
            guard wanted <= rules.limit else {
                throw MMError(
                    .limitExceeded, "“\(path)” has \(size) bytes; the limit for one read is \(rules.limit).",
                    hint: "Read it in parts, with offset and limit.")
            }
            let bytes = try FileBytes.read(file.raw, at: offset, upTo: wanted) {
                SystemError.error("Reading \(path)", $0)
            }
            return FilePiece(bytes: bytes, offset: offset, size: size)
        }
    }

    /// Returns the names in a folder, in no particular order.
    /// - Throws: as `read`.
    package func names(in path: String) async throws(MMError) -> [String] {
        let (rules, whole) = (rules, try absolute(path))
        return try await BlockingWork.run { () throws(MMError) in
            let folder = try FileDescriptor.open(whole, O_RDONLY | O_DIRECTORY)
            try rules.check(real: Self.place(of: folder.raw) ?? whole, asked: path)
            guard let names = FolderListing.names(in: folder.raw) else { throw SystemError.error("Reading \(path)") }
            return names.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Writes a file: the whole file in one step, or at its end.
    /// - Throws: as `read`; an existing file is then unchanged.
    package func write(_ path: String, _ bytes: [UInt8], how: FileWriting = FileWriting()) async throws(MMError)
        -> FileReceipt
    {
        try await write(path, FileSource(bytes), how: how)
    }

    /// Writes a file: the whole file in one step, or at its end.
    /// - Throws: as `read`; an existing file is then unchanged.
    package func write(
        _ path: String, _ source: FileSource, how: FileWriting
    ) async throws(MMError) -> FileReceipt {
        try how.check(source, limit: rules.limit)
        let (rules, given) = (rules, try absolute(path))
        return try await BlockingWork.run { () throws(MMError) in
            let whole = try Self.followed(given, asked: path)
            var parts = whole.split(separator: "/").map(String.init)
            guard let name = parts.popLast(), name != ".", name != "..", !whole.hasSuffix("/") else {
                throw MMError(.invalidInput, "“\(path)” isn't the path of a file.")
            }
            let parent = try Self.folder(parts, makes: how.createsFolders, rules, asked: path)
            let real = (Self.place(of: parent.raw) ?? "/" + parts.joined(separator: "/"))
            let target = real == "/" ? "/" + name : real + "/" + name
            try rules.check(real: target, asked: path)
            var old = stat()
            let exists = fstatat(parent.raw, name, &old, AT_SYMLINK_NOFOLLOW) == 0
            if exists, old.st_mode & S_IFMT != S_IFREG {
                let isFolder = old.st_mode & S_IFMT == S_IFDIR
                throw MMError(
                    .invalidInput, "“\(path)” is \(isFolder ? "a folder" : "not a regular file").",
                    hint: "Give the path of a file.")
            }
            if exists { try how.check(replacing: old.st_mode, asked: path) }
            if how.appends {
                let file = openat(
                    parent.raw, name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                    how.permissions ?? 0o644)
                guard file >= 0 else { throw SystemError.error("Opening \(path)") }
                let owner = FileDescriptor(owning: file)
                let digest = try Self.put(source, owner.raw, path)
                var info = stat()
                fstat(owner.raw, &info)
                return FileReceipt(path: target, size: Int(info.st_size), digest: digest)
            }
            let draft = ".\(FileRules.shortened(name)).mm-\(Hex.text(RandomBytes.make(6)))"
            let raw = openat(parent.raw, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard raw >= 0 else { throw SystemError.error("Creating a file beside \(path)") }
            let file = FileDescriptor(owning: raw)
            let digest: String
            do throws(MMError) {
                digest = try Self.put(source, file.raw, path)
                let kept = exists ? old.st_mode & 0o7777 : 0o644
                // Only root may give a file away. A new owner removes some permissions, so they come after it.
                if exists { _ = fchown(file.raw, old.st_uid, old.st_gid) }
                guard fchmod(file.raw, how.permissions ?? kept) == 0, fsync(file.raw) == 0,
                    renameat(parent.raw, draft, parent.raw, name) == 0
                else { throw SystemError.error("Writing \(path)") }
            } catch {
                unlinkat(parent.raw, draft, 0)
                throw error
            }
            fsync(parent.raw)
            return FileReceipt(path: target, size: source.count, digest: digest)
        }
    }

    /// Returns the file that a link leads to, so that writing to the link writes there, as with other programs.
    static func followed(_ path: String, asked: String) throws(MMError) -> String {
        guard isLink(path) else { return path }
        // `/dev/stdout` leads to a file that this process has open, such as its log, which the caller must not replace.
        var step = path
        for _ in 0..<40 where isLink(step) {
            let folder = step.lastIndex(of: "/").map { String(step[...$0]) } ?? "/"
            guard !RealPath.lies(RealPath.of(folder) ?? folder, in: "/proc") else {
                throw MMError(
                    .invalidInput, "“\(asked)” refers to an open file of a process, not to a file.",
                    hint: "Give the path of a file.")
            }
            guard let next = ProcFile.linkTarget(step) else { break }
            step = next.hasPrefix("/") ? next : folder + next
        }
        guard let real = RealPath.of(path) else { throw FileWriting.leadsNowhere(asked) }
        return real
    }

    private static func isLink(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFLNK
    }

    func absolute(_ path: String) throws(MMError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw MMError(.invalidInput, "The path is empty or contains a NUL character.")
        }
        return path.hasPrefix("/") ? path : directory + "/" + path
    }

    static func folder(_ parts: [String], makes: Bool, _ rules: FileRules, asked: String) throws(MMError)
        -> FileDescriptor
    {
        var current = try FileDescriptor.open("/", O_RDONLY | O_DIRECTORY)
        for part in parts where part != "." {
            var next = openat(current.raw, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if next < 0, errno == ENOENT, makes {
                try rules.check(real: (place(of: current.raw) ?? "") + "/" + part, asked: asked)
                mkdirat(current.raw, part, 0o755)
                next = openat(current.raw, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            }
            guard next >= 0 else { throw SystemError.error("Opening the folder of \(asked)") }
            current = FileDescriptor(owning: next)
        }
        return current
    }

    private static func put(_ source: FileSource, _ descriptor: Int32, _ path: String) throws(MMError) -> String {
        var reading = FileSource.Reading(source)
        while !reading.isOver { try put(try reading.nextNow(), descriptor, path) }
        return reading.digest
    }

    /// Writes all bytes to a file. It blocks.
    package static func put(_ bytes: [UInt8], _ descriptor: Int32, _ path: String) throws(MMError) {
        try FileBytes.write(bytes, to: descriptor) { SystemError.error("Writing \(path)", $0) }
    }

    /// Returns the real path of an open file.
    static func place(of descriptor: Int32) -> String? { ProcFile.linkTarget("/proc/self/fd/\(descriptor)") }
}

/// Opened files and folders for use by other modules.
extension LocalFiles {
    /// The place of a file that will be written.
    package struct Place: Sendable {
        /// The folder that will contain it.
        package let folder: OwnedDescriptor
        /// Its name there.
        package let name: String
        /// Its whole path.
        package let path: String
    }

    /// Opens a file for reading, whatever its size.
    /// - Returns: the file and its real path.
    /// - Throws: `.notFound`, `.denied`, `.forbidden`.
    package func open(_ path: String) async throws(MMError) -> (file: OwnedDescriptor, path: String) {
        let (rules, whole) = (rules, try absolute(path))
        let (file, real) = try await BlockingWork.run { () throws(MMError) -> (OwnedDescriptor, String) in
            let file = OwnedDescriptor(try FileDescriptor.open(whole, O_RDONLY | O_NONBLOCK | O_NOCTTY))
            let real = Self.place(of: file.raw) ?? whole
            try rules.check(real: real, asked: path)
            return (file, real)
        }
        return (file, real)
    }

    /// Finds the place of a file that will be written.
    /// - Parameters:
    ///   - path: the file, or a folder in which to create it.
    ///   - suggested: its name in a folder.
    ///   - createsFolders: whether to create missing folders.
    ///   - isFolder: whether the path names a folder that will be written itself, and may exist.
    /// - Throws: `.notFound`, `.denied`, `.forbidden`; `.invalidInput` for a folder where no name is suggested.
    package func place(
        _ path: String, suggested: String?, createsFolders: Bool = false, isFolder: Bool = false
    ) async throws(MMError) -> Place {
        // Most programs mean standard output by it, so a file of that name would be a surprise.
        guard path != "-" else {
            throw MMError(
                .invalidInput, "“-” isn't the path of a file, and nothing is written to standard output here.",
                hint: "Give a path; ./- is a file of that name.")
        }
        let (rules, given) = (rules, try absolute(path))
        return try await BlockingWork.run { () throws(MMError) in
            var whole = try Self.followed(given, asked: path)
            var info = stat()
            if whole.hasSuffix("/") || (!isFolder && stat(whole, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR) {
                guard let suggested, !suggested.contains("/"), suggested != "..", suggested != "." else {
                    throw MMError(.invalidInput, "“\(path)” is a folder.", hint: "Give the path of a file.")
                }
                whole += (whole.hasSuffix("/") ? "" : "/") + suggested
            }
            var parts = whole.split(separator: "/").map(String.init)
            guard let name = parts.popLast(), name != ".", name != ".." else {
                throw MMError(.invalidInput, "“\(path)” isn't the path of a file.")
            }
            let folder = OwnedDescriptor(try Self.folder(parts, makes: createsFolders, rules, asked: path))
            let real = Self.place(of: folder.raw) ?? "/" + parts.joined(separator: "/")
            let target = real == "/" ? "/" + name : real + "/" + name
            try rules.check(real: target, asked: path)
            return Place(folder: folder, name: name, path: target)
        }
    }
}

/// The files that a session's file tools may reach.
package struct FileRules: Sendable, Hashable {
    /// The folder that must contain every file after resolving all links; `nil` for no restriction.
    package var root: String?
    /// Folders and files that must not be read or written: the program's own secrets.
    package var forbidden: [String]
    /// The largest file, in bytes.
    package var limit: Int

    /// Creates rules.
    package init(root: String? = nil, forbidden: [String] = [], limit: Int = 64 << 20) {
        self.root = root
        self.forbidden = forbidden
        self.limit = limit
    }

    /// Returns a name that leaves room for the suffix of a draft or a copy: file systems limit names to 255 bytes, not
    /// letters.
    static func shortened(_ name: some StringProtocol) -> String {
        var (short, count) = ("", 0)
        for scalar in name.unicodeScalars {
            count += UTF8.width(scalar)
            if count > 180 { break }
            short.unicodeScalars.append(scalar)
        }
        return short
    }

    /// Checks the real path of a file, with all links resolved.
    func check(real path: String, asked: String) throws(MMError) {
        if let root, !RealPath.lies(path, in: RealPath.of(root) ?? root) {
            throw MMError(
                .denied, "“\(asked)” is outside \(root).", hint: "Use a path below \(root).",
                details: ["rule": "path"])
        }
        for place in forbidden where RealPath.lies(path, in: RealPath.of(place) ?? place) {
            throw MMError(
                .denied, "“\(asked)” is one of the program's own files.", hint: "Choose another file.",
                details: ["rule": "own_files"])
        }
    }
}

/// A file, or a part of one, as it was read.
package struct FilePiece: Sendable, Hashable {
    /// The bytes.
    package var bytes: [UInt8]
    /// The offset of the first byte.
    package var offset: Int
    /// The size of the whole file.
    package var size: Int
    /// The SHA-256 of the bytes, as hex.
    package var digest: String { Hex.text(SHA256.digest(bytes)) }
}

/// The result of writing a file.
package struct FileReceipt: Sendable, Hashable {
    /// Its absolute path.
    package var path: String
    /// Its size afterwards.
    package var size: Int
    /// The SHA-256 of what was sent, as hex; it was compared with what arrived.
    package var digest: String
}

/// How a file is written.
package struct FileWriting: Sendable, Hashable {
    /// Its permissions; `nil` keeps those of an existing file, and means 0644 for a new one.
    package var permissions: UInt32?
    /// Whether the bytes are appended to the file.
    package var appends = false
    /// Whether missing folders are created.
    package var createsFolders = false

    /// Creates the settings for replacing a file in one step.
    package init() {}

    /// Refuses to replace a file that is read-only for everybody: it is meant to stay, although replacing it needs no
    /// right to the file itself.
    /// - Parameter permissions: the existing file's permissions.
    func check(replacing permissions: UInt32, asked path: String) throws(MMError) {
        guard permissions & 0o222 == 0, self.permissions == nil else { return }
        throw Self.readOnly(path)
    }

    static func readOnly(_ path: String) -> MMError {
        MMError(
            .forbidden, "“\(path)” is read-only.",
            hint: "To replace it, set `permissions`, such as 644, or make it writable first: chmod u+w.")
    }

    static func leadsNowhere(_ path: String) -> MMError {
        MMError(
            .invalidInput, "“\(path)” is a broken symbolic link.",
            hint: "Write to its target, or remove it first.")
    }

    func check(_ source: FileSource, limit: Int) throws(MMError) {
        guard source.count <= limit else {
            throw MMError(
                .limitExceeded, "The content has \(source.count) bytes; the limit is \(limit).",
                hint: "Send it in parts, and append them.")
        }
        if let permissions, permissions > 0o7777 {
            throw MMError(
                .invalidInput, "The permissions \(String(permissions, radix: 8)) are invalid.",
                hint: "Use permissions as for chmod, such as 644.")
        }
    }
}
