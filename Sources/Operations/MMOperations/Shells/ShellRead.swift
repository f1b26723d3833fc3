import MMCore
import MMSessions
import MMShell

/// `shell read`, `ssh read`: reads a command's output, a device's screen, or a text file.
struct ShellRead: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let job: String?
        let session: NamedSession?
        let path: String?
        let offset: Int
        let limit: Int?
        /// The output stream; `nil` for the screen as it is now.
        let stream: ShellCommand.Stream?
        /// Whether the call says which output.
        let namesStream: Bool
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "read", "Read output or a file",
            "Read a command's output from an offset, a text file, or the output of background jobs.",
            effects: .init(readOnly: true, openWorld: !place.isLocal),
            examples: [("mm \(place.rawValue) read cmd-… --offset 20000", "continues after a truncated answer")])
    }

    var fields: [InputField] {
        let streams = ShellCommand.Stream.allCases.map(\.rawValue) + ["display"]
        return [
            InputField(
                "job", .text,
                "Handle of the command (cmd-…); with `path` or `display` the \(place.isLocal ? "session" : "host").",
                .at(0), .givesWay(to: [place.sessionArgument]), .completes(.jobs)),
            InputField("path", .text, "Text file to read instead.", .at(1), .completes(.files)),
            InputField(
                "offset", .integer(0...Int.max),
                "First byte, counted from 0. To continue, use `next` from the last answer."),
            InputField("limit", .integer(1...(16 << 20)), "Maximum bytes (default 20000)."),
            InputField("stream", .choice(streams), "Output to read (default stdout); display is the current screen."),
        ] + place.sessionFieldsBesideHandle
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        var job = try reader.text("job")
        var session = try NamedSession(from: reader, at: place)
        let path = try reader.text("path")
        let named = try reader.text("stream")
        let stream = named ?? "stdout"
        let isNamed = try reader.text(place.sessionArgument) != nil
        // Reading a file or a screen needs no command, so a word that isn't a handle names the session, as in `mm ssh
        // read web1 --path /etc/hosts`.
        if let word = job, !isNamed, path != nil || stream == "display", !WorkHandle.isValid(word) {
            session = try NamedSession(word, from: reader, at: place)
            job = nil
        }
        return Input(
            job: job, session: session, path: path, offset: try reader.integer("offset") ?? 0,
            limit: try reader.integer("limit"),
            stream: ShellCommand.Stream(rawValue: stream), namesStream: named != nil)
    }

    func run(
        _ input: Input, in context: OperationContext, with services: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        if let path = input.path { return try await file(path, input, try ShellCallContext(context, services)) }
        guard let job = input.job else {
            let session: NamedSession = try .required(input.session)
            // Without a command, only a device has a screen, and only jobs in the background have output.
            if input.namesStream, let running = services.shells.running(in: session.key(of: context.call.shellOwner)) {
                return await running.page(
                    input.stream, from: input.offset, limit: input.limit, to: context, from: services.work)
            }
            return try await .display(session, in: services.shells, context, isScreen: input.stream == nil)
        }
        return try await services.work.work(job, of: context.call).page(
            input.stream, from: input.offset, limit: input.limit, to: context, from: services.work)
    }

    private func file(_ path: String, _ input: Input, _ call: ShellCallContext) async throws(MMError)
        -> OperationAnswer
    {
        let files = SessionFiles(call: call, session: try .required(input.session))
        let limit = input.limit ?? (call.context.isTerminal ? nil : 20_000)
        let piece = try await files.read(path, from: input.offset, limit: limit.map { max($0, 4) })
        if call.context.isTerminal {
            return OperationAnswer(.bytes(piece.bytes, contentType: "application/octet-stream"))
        }
        return try SessionFiles.answer(piece, of: path, encoding: nil)
    }
}
