import MMCore
import MMShell

/// `shell write`, `ssh write`: types text into a command, or writes a text file.
struct ShellWrite: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let job: String?
        let session: NamedSession?
        let text: String?
        let secret: String?
        let pressesEnter: Bool
        let path: String?
        let appends: Bool
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "write", "Type or write", "Type text into a running command, or write a text file.",
            effects: .init(readOnly: false, destructive: true, openWorld: !place.isLocal),
            examples: [("mm \(place.rawValue) write cmd-… yes", "types yes and Enter")])
    }

    var fields: [InputField] {
        [
            ShellPlace.handleField.with(.givesWay(to: [place.sessionArgument, "path"])),
            InputField("text", .text, "Text to type, or content of the file.", .at(1), .readsFiles, .mayBeEmpty),
            InputField("secret", .text, "Name of a stored secret to type instead of text."),
            InputField("no_enter", .flag, "Don't press Enter afterwards."),
            InputField("path", .text, "File to write the text to, instead of a command.", .completes(.files)),
            InputField("append", .flag, "Append to the file instead of replacing it."),
        ] + place.sessionFieldsBesideHandle
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        Input(
            job: try reader.text("job"), session: try NamedSession(from: reader, at: place),
            text: try reader.written("text"), secret: try reader.text("secret"),
            pressesEnter: try !reader.flag("no_enter"), path: try reader.text("path"),
            appends: try reader.flag("append"))
    }

    func run(
        _ input: Input, in context: OperationContext, with services: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        let call = try ShellCallContext(context, services)
        if let path = input.path {
            guard let text = input.text else {
                throw MMError(
                    .invalidInput, "The text to write to \(path) is missing.",
                    hint: "Give `text`, which may be empty.", details: ["field": "text"])
            }
            var how = FileWriting()
            how.appends = input.appends
            return try await SessionFiles(call: call, session: try .required(input.session))
                .write(path, FileSource(Array(text.utf8)), known: text, how: how)
        }
        let target = try await TypingTarget(job: input.job, session: input.session, place: place, call)
        if let name = input.secret {
            return try await target.type(.secret(try await target.secret(name)), isSecret: true)
        }
        let text = input.text ?? ""
        return try await target.type(input.pressesEnter ? .line(text) : .text(text))
    }
}
