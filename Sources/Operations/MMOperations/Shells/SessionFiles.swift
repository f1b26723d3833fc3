import MMCore
import MMDesk
import MMGuard
import MMShell

/// The files that a session reaches. Each access is judged first, like the equivalent command.
struct SessionFiles: Sendable {
    /// The rights with which files on a host are accessed.
    struct Sudo: Sendable {
        /// The name of the stored secret with sudo's password.
        var secret: String?

        /// Creates root's rights.
        init(secret: String?) { self.secret = secret }

        /// Reads root's rights from a call; `nil` if it doesn't ask for them.
        init?(from reader: InputReader) throws(MMError) {
            guard try reader.flag("sudo") else { return nil }
            secret = try reader.text("sudo_secret")
        }

        /// The arguments for sudo.
        static let fields = [
            InputField("sudo", .flag, "Use sudo on the host, with the password in `sudo_secret`."),
            InputField("sudo_secret", .text, "Name of the stored secret with the sudo password."),
        ]
    }

    let call: ShellCallContext
    /// The session that reaches the files.
    let session: NamedSession
    /// The options for the session if it has to be started.
    var options = SessionOptions()
    var sudo: Sudo?

    private var context: OperationContext { call.context }

    /// Writes or appends to a file.
    /// - Parameter text: the written text, if known, by which a later command that runs the file is judged.
    func write(
        _ path: String, _ source: FileSource, known text: String?, how: FileWriting
    ) async throws(MMError) -> OperationAnswer {
        let cleared = try await judge(writing: true, path)
        let (member, _) = try await call.member(session, options, forFiles: true)
        try await call.refuseOwnFiles(Self.command(writing: true, path, sudo: sudo), in: member)
        // A long transfer counts as use, so that the session isn't closed as idle.
        let receipt = try await call.shells.using(member.key) { () async throws(MMError) -> FileReceipt in
            if member.key.place.isLocal { return try await local(member).write(path, source, how: how) }
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let (total, progress) = (source.count, ByteProgress("sent", of: name, to: context.call.progress))
            return try await ReplacedFiles(call: call, sudo: sudo).noting(on: member.key) {
                (keeping) async throws(MMError) in
                try await remote(member, by: cleared).write(path, source, how: how, keeping: keeping) {
                    progress.came(to: $0, of: total)
                }
            }
        }
        context.record.note("bytes", .int(Int64(source.count)))
        var memory = await call.shells.memory(of: member.key)
        memory.note(path, text, isWhole: !how.appends)
        await call.shells.remember(memory, of: member.key)
        return Self.answer(receipt, more: ", SHA-256 \(receipt.digest)")
    }

    /// Reads a file or a part of it.
    func read(_ path: String, from offset: Int, limit: Int?) async throws(MMError) -> FilePiece {
        let cleared = try await judge(writing: false, path)
        let (member, _) = try await call.member(session, options, forFiles: true)
        try await call.refuseOwnFiles(Self.command(writing: false, path, sudo: sudo), in: member)
        let piece = try await call.shells.using(member.key) { () async throws(MMError) -> FilePiece in
            if member.key.place.isLocal {
                return try await local(member).read(path, from: offset, limit: limit)
            }
            return try await remote(member, by: cleared).read(path, from: offset, limit: limit)
        }
        context.record.note("bytes", .int(Int64(piece.bytes.count)))
        return piece
    }

    /// Returns access to files of this machine that the caller names itself, outside any session.
    static func own(_ call: ShellCallContext) -> LocalFiles {
        let context = call.context
        return LocalFiles(
            directory: context.call.directory ?? CallContext.ownDirectory ?? call.services.paths.home,
            rules: FileRules(
                forbidden: ShellOpening.ownFiles(call.services), limit: call.configuration.maxFileSize))
    }

    /// Returns the answer about a written file.
    static func answer(_ receipt: FileReceipt, more: String = "") -> OperationAnswer {
        OperationAnswer(
            .value([
                "path": .string(receipt.path), "size": .int(Int64(receipt.size)), "sha256": .string(receipt.digest),
            ]), text: "\(receipt.path): \(receipt.size) bytes\(more)")
    }

    /// Returns the answer with a part of a file.
    static func answer(_ piece: FilePiece, of path: String, encoding wanted: String?) throws(MMError)
        -> OperationAnswer
    {
        var end = piece.offset + piece.bytes.count
        let text = ShellText(piece.bytes, isCut: piece.offset > 0 || end < piece.size)
        if wanted == "utf-8", text.encoding != nil {
            throw MMError(.invalidInput, "“\(path)” is not UTF-8 text.", hint: "Use encoding base64.")
        }
        let isBase64 = wanted == "base64" || text.encoding != nil
        // A character that is split at the end of a part is left to the next part.
        if !isBase64, end < piece.size { end -= text.left }
        var object: JSONObject = [
            "path": .string(path), "size": .int(Int64(piece.size)),
            "content": .string(isBase64 ? Base64.text(piece.bytes) : text.text),
            "encoding": .string(isBase64 ? "base64" : "utf-8"),
        ]
        if end < piece.size || piece.offset > 0 {
            object["offset"] = .int(Int64(piece.offset))
            object["next"] = end < piece.size ? .int(Int64(end)) : nil
        }
        return OperationAnswer(.value(.object(object)))
    }

    private func local(_ member: ShellSessions.Member) async throws(MMError) -> LocalFiles {
        LocalFiles(directory: try await member.directory, rules: call.opening.fileRules)
    }

    private func remote(
        _ member: ShellSessions.Member, by cleared: Cleared<ShellLine>
    ) throws(MMError) -> RemoteFiles {
        guard case .shell(let shell) = member.body, case .host(let target, _) = session else {
            throw MMError(
                .unsupported, "Files can't be copied to or from a network device.",
                hint: "Use the device's own commands.")
        }
        var rights = RemoteFiles.Sudo.none
        if let sudo {
            let password = try sudo.secret.map { (name) throws(MMError) in
                try call.secret(name, for: .host(target.host))
            }
            rights = .root(password: password)
        }
        return try shell.files(by: cleared, limit: call.configuration.maxFileSize, sudo: rights)
    }

    /// Puts back the kept version of a file.
    /// - Returns: the version that was replaced and kept in turn.
    func putBack(_ kept: KeptFile, replacing digest: String) async throws(MMError) -> KeptFile {
        let cleared = try await judge(writing: true, kept.path)
        let (member, isNew) = try await call.member(session, options, forFiles: true)
        let restored: Result<KeptFile, MMError>
        do throws(MMError) {
            try await call.refuseOwnFiles(Self.command(writing: true, kept.path, sudo: sudo), in: member)
            let files = try remote(member, by: cleared)
            restored = .success(
                try await call.shells.using(member.key) { () async throws(MMError) in
                    try await files.putBack(kept, replacing: digest, as: context.record.call)
                })
        } catch {
            restored = .failure(error)
        }
        // A session that was started only for this call is closed.
        if isNew { await call.shells.close(member.key) }
        return try restored.get()
    }

    private func judge(writing: Bool, _ path: String) async throws(MMError) -> Cleared<ShellLine> {
        let command = Self.command(writing: writing, path, sudo: sudo)
        let key = call.key(session)
        let known = try? await call.shells.existing(key)
        let directory = await call.directory(of: known, key, options)
        return try await call.clear(shell: command, in: key, known, directory: directory)
    }

    /// Returns the equivalent command.
    private static func command(writing: Bool, _ path: String, sudo: Sudo?) -> String {
        let quoted = ShellWord.quoted(path)
        return (sudo == nil ? "" : "sudo ") + (writing ? "cp -- content \(quoted)" : "cat -- \(quoted)")
    }
}
