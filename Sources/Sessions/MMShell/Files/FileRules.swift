package import MMCore
import MMSessions

/// Which files a session's file tools may reach.
package struct FileRules: Sendable, Hashable {
    /// The folder that everything must lie in when all links are followed; nil for anywhere.
    package var root: String?
    /// Folders and files that nothing may be read from or written to: the program's own secrets.
    package var forbidden: [String]
    /// The largest file, in bytes.
    package var limit: Int

    /// Rules.
    package init(root: String? = nil, forbidden: [String] = [], limit: Int = 64 << 20) {
        self.root = root
        self.forbidden = forbidden
        self.limit = limit
    }

    /// Keeps the program's own files out of reach: registry, token caches, ledger, logs, sockets.
    package init(root: String? = nil, protecting paths: StatePaths, limit: Int = 64 << 20) {
        self.init(root: root, forbidden: paths.ownFiles, limit: limit)
    }

    /// A name with room for what marks a draft or a copy beside it: file systems count 255 bytes, not letters.
    static func shortened(_ name: some StringProtocol) -> String {
        var (short, count) = ("", 0)
        for scalar in name.unicodeScalars {
            count += UTF8.width(scalar)
            if count > 180 { break }
            short.unicodeScalars.append(scalar)
        }
        return short
    }

    /// Judges the real place of a file, all links followed.
    func check(real path: String, asked: String) throws(MMError) {
        if let root, !RealPath.lies(path, in: RealPath.of(root) ?? root) {
            throw MMError(
                .denied, "“\(asked)” is outside \(root).", hint: "Give a path below \(root).",
                details: ["rule": "path"])
        }
        for place in forbidden where RealPath.lies(path, in: RealPath.of(place) ?? place) {
            throw MMError(
                .denied, "“\(asked)” is one of the program's own files.", hint: "Choose another file.",
                details: ["rule": "own_files"])
        }
    }
}

/// A file, or a piece of one, as it was read.
package struct FilePiece: Sendable, Hashable {
    /// The bytes.
    package var bytes: [UInt8]
    /// Where they begin.
    package var offset: Int
    /// The size of the whole file.
    package var size: Int
    /// The SHA-256 of the bytes, as hex.
    package var digest: String { Hex.text(SHA256.digest(bytes)) }
}

/// What became of a file that was written.
package struct FileReceipt: Sendable, Hashable {
    /// Its absolute path.
    package var path: String
    /// Its size afterwards.
    package var size: Int
    /// The SHA-256 of what was sent, as hex; compared with what arrived.
    package var digest: String
}

/// How a file is written.
package struct FileWriting: Sendable, Hashable {
    /// Its permissions; nil keeps those of an existing file, and is 0644 for a new one.
    package var permissions: UInt32?
    /// Whether the bytes are added to what is there.
    package var appends = false
    /// Whether missing folders are made.
    package var createsFolders = false
    /// What the bytes must add up to (SHA-256, hex); anything else is refused before the file is touched.
    package var expectedDigest: String?

    /// Replaces a file in one step.
    package init() {}

    /// Refuses to take the place of a file that nobody may write: whoever made it so wants it to stay, and putting another one
    /// in its place asks for no right over the file itself.
    /// - Parameter permissions: the old file's.
    func check(replacing permissions: UInt32, asked path: String) throws(MMError) {
        guard permissions & 0o222 == 0, self.permissions == nil else { return }
        throw Self.readOnly(path)
    }

    static func readOnly(_ path: String) -> MMError {
        MMError(
            .forbidden, "“\(path)” is read-only: nobody may write it.",
            hint: "If it is to be replaced, give `permissions`, such as 644, or make it writable first: chmod u+w.")
    }

    static func leadsNowhere(_ path: String) -> MMError {
        MMError(
            .invalidInput, "“\(path)” is a link that leads nowhere.",
            hint: "Write to what it should lead to, or remove it first.")
    }

    func check(_ source: FileSource, limit: Int) throws(MMError) {
        guard source.count <= limit else {
            throw MMError(
                .limitExceeded, "The content has \(source.count) bytes; \(limit) are allowed.",
                hint: "Send less at once, and append.")
        }
        if let permissions, permissions > 0o7777 {
            throw MMError(
                .invalidInput, "The permissions \(String(permissions, radix: 8)) are invalid.",
                hint: "Give them as in chmod, such as 644.")
        }
        if let expectedDigest, expectedDigest.lowercased() != source.digest {
            throw MMError(
                .invalidInput, "The content does not match its checksum: it has \(source.digest).",
                hint: "Send it again; nothing was written.")
        }
    }
}
