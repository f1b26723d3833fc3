import MMCore
import MMShell

/// `shell keys`, `ssh keys`: presses keys in a command's terminal.
struct ShellKeys: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let job: String?
        let session: NamedSession?
        let keys: ShellInput
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "keys", "Press keys", "Send keys to a running command's terminal.",
            effects: .init(readOnly: false, destructive: true, openWorld: !place.isLocal),
            examples: [("mm \(place.rawValue) keys cmd-… ctrl-c", "interrupts it")])
    }

    var fields: [InputField] {
        [
            ShellPlace.handleField.with(.givesWay(to: [place.sessionArgument])),
            InputField(
                "keys", .textList, "Keys in order: enter, tab, esc, up, f5, ctrl-c, alt-x, or single characters.",
                .required, .at(1)),
        ] + place.sessionFieldsBesideHandle
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        Input(
            job: try reader.text("job"), session: try NamedSession(from: reader, at: place),
            keys: try ShellInput.keys(try reader.textList("keys") ?? []))
    }

    func run(
        _ input: Input, in context: OperationContext, with services: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        try await TypingTarget(
            job: input.job, session: input.session, place: place, ShellCallContext(context, services)
        ).type(input.keys)
    }
}
