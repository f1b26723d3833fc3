import MMCore
import MMShell

/// `shell download`, `ssh download`: reads a file.
struct ShellDownload: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let session: NamedSession
        let options: SessionOptions
        let sudo: SessionFiles.Sudo?
        let path: String
        let to: String?
        let encoding: String?
        let offset: Int
        let limit: Int?
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "download", "Download a file", "Download a file, or part of it.",
            effects: .init(readOnly: true, openWorld: !place.isLocal), home: .pool,
            examples: [
                (
                    place.isLocal ? "mm shell download out.csv /home/me/out.csv" : "mm ssh download web1 /etc/hostname",
                    place.isLocal ? "copies the file" : "its content"
                )
            ])
    }

    var fields: [InputField] {
        let first = place.isLocal ? 0 : 1
        let own = [
            InputField(
                "path", .text, "File to download; relative to the session's directory.", .required,
                .at(first), .completes(.files)),
            InputField(
                "to", .text, "Local file to write.", .at(first + 1), .notForModels, .completes(.files)),
            InputField(
                "encoding", .choice(["utf-8", "base64"]), "Encoding of the content (default: text if it is text)."),
            InputField("offset", .integer(0...Int.max), "First byte, from 0."),
            InputField("limit", .integer(1...(64 << 20)), "Maximum bytes (default: the whole file, at most 1 MiB)."),
        ]
        return place.isLocal
            ? own + place.sessionFields()
            : place.sessionFields(at: 0, creates: true) + own + SessionFiles.Sudo.fields
                + SessionOptions.quietConnectFields
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        Input(
            session: try .required(from: reader, at: place),
            options: place.isLocal ? SessionOptions() : try SessionOptions(connecting: reader),
            sudo: place.isLocal ? nil : try SessionFiles.Sudo(from: reader),
            path: try reader.requiredText("path"), to: try reader.text("to"), encoding: try reader.text("encoding"),
            offset: try reader.integer("offset") ?? 0, limit: try reader.integer("limit"))
    }

    func run(
        _ input: Input, in context: OperationContext, with services: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        let call = try ShellCallContext(context, services)
        if input.to != nil, !call.mayNamePlaces {
            throw MMError(.invalidInput, "Only a person can name local files.", hint: "Leave out `to`.")
        }
        let files = SessionFiles(call: call, session: input.session, options: input.options, sudo: input.sudo)
        let piece = try await files.read(
            input.path, from: input.offset, limit: input.limit ?? (context.isTerminal ? nil : 1 << 20))
        if let file = input.to {
            return SessionFiles.answer(try await SessionFiles.own(call).write(file, piece.bytes))
        }
        if context.isTerminal, input.encoding == nil {
            return OperationAnswer(.bytes(piece.bytes, contentType: "application/octet-stream"))
        }
        return try SessionFiles.answer(piece, of: input.path, encoding: input.encoding)
    }
}
