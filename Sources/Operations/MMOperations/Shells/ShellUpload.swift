import MMCore
import MMShell

/// `shell upload`, `ssh upload`: writes a file.
struct ShellUpload: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let session: NamedSession
        let options: SessionOptions
        let sudo: SessionFiles.Sudo?
        let path: String
        let from: String?
        let content: String?
        let isBase64: Bool
        let how: FileWriting

        /// The written text, if the call contains it.
        var known: String? {
            guard from == nil, let content else { return nil }
            return isBase64 ? Base64.bytes(content).map { String(decoding: $0, as: UTF8.self) } : content
        }
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "upload", "Upload a file", "Upload a file atomically and verify its checksum.",
            effects: .init(readOnly: false, destructive: true, openWorld: !place.isLocal), home: .pool,
            examples: [
                (
                    place.isLocal
                        ? "mm shell upload /home/me/a.csv a.csv" : "mm ssh upload web1 /home/me/a.csv /tmp/a.csv",
                    "copies the file"
                )
            ])
    }

    var fields: [InputField] {
        let first = place.isLocal ? 0 : 1
        let own = [
            InputField(
                "from", .text, "Local file to send.", .at(first), .notForModels, .completes(.files)),
            InputField(
                "path", .text, "Destination; relative to the session's directory.", .required,
                .at(first + 1), .completes(.files)),
            InputField("content", .text, "Content of the file.", .mayBeEmpty),
            InputField("encoding", .choice(["utf-8", "base64"]), "Encoding of the content (default utf-8)."),
            InputField("append", .flag, "Append to the file."),
            InputField("make_dirs", .flag, "Create missing folders."),
            InputField("permissions", .text, "Permissions, as for chmod, such as 644."),
        ]
        return place.isLocal
            ? own + place.sessionFields()
            : place.sessionFields(at: 0, creates: true) + own + SessionFiles.Sudo.fields
                + SessionOptions.quietConnectFields
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        var how = FileWriting()
        how.appends = try reader.flag("append")
        how.createsFolders = try reader.flag("make_dirs")
        if let text = try reader.text("permissions") {
            guard let mode = UInt32(text, radix: 8) else {
                throw MMError(
                    .invalidInput, "“\(text.prefix(20))” isn't a set of permissions.", hint: "For example 644 or 0600.")
            }
            how.permissions = mode
        }
        return Input(
            session: try .required(from: reader, at: place),
            options: place.isLocal ? SessionOptions() : try SessionOptions(connecting: reader),
            sudo: place.isLocal ? nil : try SessionFiles.Sudo(from: reader),
            path: try reader.requiredText("path"), from: try reader.text("from"),
            content: try reader.written("content"), isBase64: try reader.text("encoding") == "base64", how: how)
    }

    func run(
        _ input: Input, in context: OperationContext, with services: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        let call = try ShellCallContext(context, services)
        let source = try await Self.source(input, call)
        return try await SessionFiles(call: call, session: input.session, options: input.options, sudo: input.sudo)
            .write(input.path, source, known: input.known, how: input.how)
    }

    private static func source(_ input: Input, _ call: ShellCallContext) async throws(MMError) -> FileSource {
        if let file = input.from {
            guard call.mayNamePlaces else {
                throw MMError(.invalidInput, "Give `content`.", hint: "Only a person can name local files.")
            }
            return try await CallerFiles.named(file, in: SessionFiles.own(call)) { (files) async throws(MMError) in
                try await files.source(file)
            }
        }
        guard let text = input.content else {
            throw MMError(.invalidInput, "The content is missing.", hint: "Give `content`, empty for an empty file.")
        }
        guard input.isBase64 else { return FileSource(Array(text.utf8)) }
        guard let bytes = Base64.bytes(text) else {
            throw MMError(.invalidInput, "`content` isn't base64.", hint: "Encode it again, or set encoding to utf-8.")
        }
        return FileSource(bytes)
    }
}
