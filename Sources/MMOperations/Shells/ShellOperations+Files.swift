import MMCore
import MMShell

extension ShellOperations {
    private var sudoField: InputField {
        InputField("sudo", .flag, "With root's rights (sudo there; password by `sudo_secret`).")
    }
    private var sudoSecret: InputField {
        InputField("sudo_secret", .text, "Name of the stored secret that is sudo's password.")
    }

    /// Sending a file.
    var upload: AnyOperation {
        let first = isLocal ? 0 : 1
        var fields = isLocal ? [] : sessionFields(at: 0, creates: true)
        fields += [
            InputField(
                "from", .text, "A file of this machine to send.", at: .positional(first), isOfferedToModels: false),
            InputField(
                "path", .text, "Where it goes; relative to the session's directory.", isRequired: true,
                at: .positional(first + 1)),
            InputField("content", .text, "What it holds."),
            InputField("encoding", .choice(["utf-8", "base64"]), "How content is written (default utf-8)."),
            InputField("append", .flag, "Add to what is there."),
            InputField("make_dirs", .flag, "Make missing folders."),
            InputField("permissions", .text, "As chmod takes them, such as 644."),
        ]
        if isLocal { fields += sessionFields() } else { fields += [sudoField, sudoSecret] + quietConnectFields }
        return AnyOperation(
            declaration(
                "upload", "Upload a file", "Write a file: whole, in one step, with its checksum compared.",
                effects: .init(readOnly: false, destructive: true, openWorld: !isLocal), home: .pool,
                examples: [
                    (
                        isLocal
                            ? "mm shell upload /home/me/a.csv a.csv" : "mm ssh upload web1 /home/me/a.csv /tmp/a.csv",
                        "copies the file"
                    )
                ]),
            fields: fields
        ) { [self] (input, context) async throws(MMError) in
            try await upload(
                try input.requiredText("path"), try await content(input, context), input, context,
                appends: try input.flag("append"))
        }
    }

    private func content(_ input: InputReader, _ context: OperationContext) async throws(MMError) -> FileSource {
        let configuration = try configuration(context)
        if let file = try input.text("from") {
            guard mayNamePlaces(context, configuration) else {
                throw MMError(.invalidInput, "Give `content`.", hint: "Only a person names files of this machine.")
            }
            let files = LocalFiles(
                directory: Self.ownDirectory(context),
                rules: FileRules(
                    forbidden: ShellOpening.ownFiles(context.services), limit: configuration.largestFile))
            return try await files.source(file)
        }
        guard let text = try input.written("content") else {
            throw MMError(.invalidInput, "What is to be written?", hint: "Give `content`, empty for an empty file.")
        }
        guard try input.text("encoding") == "base64" else { return FileSource(Array(text.utf8)) }
        guard let bytes = Base64.bytes(text) else {
            throw MMError(.invalidInput, "`content` is no base64.", hint: "Encode it again, or say encoding utf-8.")
        }
        return FileSource(bytes)
    }

    /// Where a person who names files of this machine stands.
    private static func ownDirectory(_ context: OperationContext) -> String {
        context.call.directory ?? CallContext.ownDirectory ?? context.services.paths.home
    }

    func upload(
        _ path: String, _ source: FileSource, _ input: InputReader, _ context: OperationContext, appends: Bool
    ) async throws(MMError) -> OperationAnswer {
        let configuration = try configuration(context)
        try await judge(writing: true, path, input, context, configuration)
        let (member, _) = try await session(input, context, configuration)
        var how = FileWriting()
        how.appends = appends
        if input.has("make_dirs") { how.makesFolders = try input.flag("make_dirs") }
        if input.has("permissions"), let text = try input.text("permissions") {
            guard let mode = UInt32(text, radix: 8) else {
                throw MMError(.invalidInput, "“\(text.prefix(20))” are no permissions.", hint: "Such as 644 or 0600.")
            }
            how.permissions = mode
        }
        let receipt: FileReceipt
        if isLocal {
            let files = LocalFiles(
                directory: try await directory(of: member),
                rules: opening(context, configuration).fileRules)
            receipt = try await files.write(path, source, how: how)
        } else {
            receipt = try await remote(member, input, context, configuration)
                .write(path, source, how: how, progress: Self.reports(of: source.count, to: context.call.progress))
        }
        context.record.note("bytes", .int(Int64(source.count)))
        return OperationAnswer(
            .value([
                "path": .string(receipt.path), "size": .int(Int64(receipt.size)), "sha256": .string(receipt.digest),
            ]), text: "\(receipt.path): \(receipt.size) bytes, SHA-256 \(receipt.digest)")
    }

    /// Tells of a long upload, once for each hundredth of it.
    private static func reports(of total: Int, to progress: @escaping @Sendable (ProgressReport) -> Void)
        -> @Sendable (Int) -> Void
    {
        let told = Mutex(0)
        return { done in
            let hundredth = done * 100 / max(1, total)
            let isNew = told.withLock { told in
                defer { told = max(told, hundredth) }
                return told < hundredth
            }
            guard total > 4 << 20, isNew else { return }
            progress(ProgressReport(done: Double(done), total: Double(total), message: "\(hundredth) % sent"))
        }
    }

    /// Fetching a file.
    var download: AnyOperation {
        let first = isLocal ? 0 : 1
        var fields = isLocal ? [] : sessionFields(at: 0, creates: true)
        fields += [
            InputField(
                "path", .text, "The file; relative to the session's directory.", isRequired: true,
                at: .positional(first)),
            InputField(
                "to", .text, "A file of this machine to write it to.", at: .positional(first + 1),
                isOfferedToModels: false),
            InputField(
                "encoding", .choice(["utf-8", "base64"]), "How content comes (default: text where it is text)."),
            InputField("offset", .integer(0...Int.max), "First byte, from 0."),
            InputField("limit", .integer(1...(64 << 20)), "Most bytes (default: the file, at most 1 MiB)."),
        ]
        if isLocal { fields += sessionFields() } else { fields += [sudoField, sudoSecret] + quietConnectFields }
        return AnyOperation(
            declaration(
                "download", "Download a file", "Read a file, or a piece of it.",
                effects: .init(readOnly: true, openWorld: !isLocal), home: .pool,
                examples: [
                    (
                        isLocal ? "mm shell download out.csv /home/me/out.csv" : "mm ssh download web1 /etc/hostname",
                        isLocal ? "copies the file" : "its content"
                    )
                ]),
            fields: fields
        ) { [self] (input, context) async throws(MMError) in
            try await download(try input.requiredText("path"), input, context, isText: false)
        }
    }

    func download(_ path: String, _ input: InputReader, _ context: OperationContext, isText: Bool)
        async throws(MMError) -> OperationAnswer
    {
        let configuration = try configuration(context)
        if input.has("to"), try input.text("to") != nil, !mayNamePlaces(context, configuration) {
            throw MMError(.invalidInput, "Only a person names files of this machine.", hint: "Leave `to` out.")
        }
        try await judge(writing: false, path, input, context, configuration)
        let (member, _) = try await session(input, context, configuration)
        let offset = try input.integer("offset") ?? 0
        var limit = try input.integer("limit")
        if limit == nil, !context.isTerminal { limit = isText ? 20_000 : 1 << 20 }
        // No character is longer than four bytes: with so many there is always one to show.
        if isText { limit = limit.map { max($0, 4) } }
        let piece: FilePiece
        if isLocal {
            let files = LocalFiles(
                directory: try await directory(of: member),
                rules: opening(context, configuration).fileRules)
            piece = try await files.read(path, from: offset, limit: limit)
        } else {
            piece = try await remote(member, input, context, configuration).read(path, from: offset, limit: limit)
        }
        context.record.note("bytes", .int(Int64(piece.bytes.count)))
        if input.has("to"), let file = try input.text("to") {
            let rules = FileRules(
                forbidden: ShellOpening.ownFiles(context.services), limit: configuration.largestFile)
            let receipt = try await LocalFiles(directory: Self.ownDirectory(context), rules: rules)
                .write(file, piece.bytes)
            return OperationAnswer(
                .value([
                    "path": .string(receipt.path), "size": .int(Int64(receipt.size)), "sha256": .string(receipt.digest),
                ]), text: "\(receipt.path): \(receipt.size) bytes")
        }
        let wanted = input.has("encoding") ? try input.text("encoding") : nil
        if context.isTerminal, wanted == nil {
            return OperationAnswer(.bytes(piece.bytes, contentType: "application/octet-stream"))
        }
        var end = piece.offset + piece.bytes.count
        let text = ShellText(piece.bytes, isCut: offset > 0 || end < piece.size)
        if wanted == "utf-8", text.isBase64 {
            throw MMError(.invalidInput, "“\(path)” is no UTF-8 text.", hint: "Ask for encoding base64.")
        }
        let isBase64 = wanted == "base64" || text.isBase64
        // A character that is torn at a piece's end stands whole at the beginning of the next one.
        if !isBase64, end < piece.size { end -= text.left }
        var object: JSONObject = [
            "path": .string(path), "size": .int(Int64(piece.size)),
            "content": .string(isBase64 ? Base64.text(piece.bytes) : text.text),
            "encoding": .string(isBase64 ? "base64" : "utf-8"),
        ]
        if end < piece.size || offset > 0 {
            object["offset"] = .int(Int64(piece.offset))
            object["next"] = end < piece.size ? .int(Int64(end)) : nil
        }
        return OperationAnswer(.value(.object(object)))
    }

    private func remote(
        _ member: ShellSessions.Member, _ input: InputReader, _ context: OperationContext,
        _ configuration: ShellsConfiguration
    ) throws(MMError) -> RemoteFiles {
        guard case .shell(let session) = member.body, let host = session as? SSHSession else {
            throw MMError(.unsupported, "Files of a device can't be reached this way.", hint: "Use its own commands.")
        }
        var sudo = RemoteFiles.Sudo.none
        if input.has("sudo"), try input.flag("sudo") {
            var password: Secret?
            if let name = try input.text("sudo_secret") {
                let named = try SSHTarget(named: try input.requiredText("host"), user: nil, port: nil)
                password = try secret(name, for: .host(named.host), configuration, context)
            }
            sudo = .root(password: password)
        }
        return RemoteFiles(host, limit: configuration.largestFile, sudo: sudo)
    }

    /// A file is judged as the command is that would do the same.
    private func judge(
        writing: Bool, _ path: String, _ input: InputReader, _ context: OperationContext,
        _ configuration: ShellsConfiguration
    ) async throws(MMError) {
        let quoted = Self.quoted(path)
        let isRoot = input.has("sudo") ? try input.flag("sudo") : false
        let command = (isRoot ? "sudo " : "") + (writing ? "tee -- \(quoted)" : "cat -- \(quoted)")
        let name = try key(input, context)
        let known = try? await context.services.shells.existing(name)
        let opening = opening(context, configuration)
        var directory = await known?.workingDirectory
        if directory == nil, isLocal { directory = opening.startDirectory }
        try await context.clear(shell: command, in: name, host: known?.host, directory: directory, configuration)
    }
}
