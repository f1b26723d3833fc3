import MMCore
import Testing

@testable import MMOperations

@Suite("What a session wrote", .timeLimit(.minutes(10)))
struct OutgoingAnswerTests {
    private static let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2dyYXBoIn0.c2lnbmF0dXJl"
    private static let held = "the-token-of-no-known-shape"

    /// Answers with what a session could have written.
    private struct Printer: CatalogueOperation {
        let body: OperationAnswer.Body
        var facts: JSONObject = [:]
        var declaration = OperationDeclaration(
            "print", command: ["print"], title: "Print", summary: "Prints.", effects: .init(readOnly: true)
        ).withSessionOutput

        func run(_ input: NoInput, in context: OperationContext, with services: Void) async throws(MMError)
            -> OperationAnswer
        {
            for (key, value) in facts { context.record.note(key, value) }
            return OperationAnswer(body, notes: ["WARNING: \(token)"], text: "it is \(token)")
        }
    }

    private let home = JobHome()

    private func answer(_ printer: Printer) async throws -> OperationAnswer {
        HeldSecrets.shared.hold(Secret(Self.held))
        let service = LocalOperationService(
            catalogue: Catalogue(Catalogue.standard.operations + [AnyOperation(printer)]), services: home.services)
        return try await service.call(
            "print", [:], in: CallContext(caller: Caller(surface: .mcp, name: "t", server: nil)))
    }

    @Test("leaves without tokens, in every form of an answer")
    func leaves() async throws {
        let bodies: [OperationAnswer.Body] = [
            .text("a \(Self.token) b \(Self.held)"), .value(["Authorization": ["Parameter": .string(Self.token)]]),
            .json(Array("[\"\(Self.held)\"]".utf8)),
        ]
        for body in bodies {
            let answer = try await answer(Printer(body: body))
            let shown = "\(answer.notes) \(answer.text ?? "") \(text(of: answer.body))"
            #expect(!shown.contains(Self.token) && !shown.contains(Self.held) && shown.contains(Redactor.mark))
        }
    }

    private func text(of body: OperationAnswer.Body) -> String {
        switch body {
        case .text(let text): text
        case .value(let value): JSONWriter.string(value)
        case .json(let bytes), .bytes(let bytes, _): String(decoding: bytes, as: UTF8.self)
        case .items, .output: ""
        }
    }

    @Test("holds a secret that a person has confirmed, and never a token of mm itself")
    func confirmed() async throws {
        var printer = Printer(
            body: .text("\(Self.token) \(Self.held)"), facts: ["class": "secret", "confirmedBy": "person"])
        guard case .text(let shown) = try await answer(printer).body else { throw MMError(.internalError, "no text") }
        #expect(shown == "\(Self.token) \(Redactor.mark)")
        printer.facts["confirmedBy"] = "refused"
        guard case .text(let other) = try await answer(printer).body else { throw MMError(.internalError, "no text") }
        #expect(!other.contains(Self.token))
    }

    @Test("is told from what no session wrote, which stays as it is")
    func others() async throws {
        var printer = Printer(body: .text(Self.token))
        printer.declaration.carriesSessionOutput = false
        guard case .text(let shown) = try await answer(printer).body else { throw MMError(.internalError, "no text") }
        #expect(shown == Self.token)
    }

    @Test("is declared by everything that runs in sessions")
    func declared() {
        let carriers = Catalogue.standard.operations.map(\.declaration).filter(\.carriesSessionOutput).map(\.name)
        #expect(carriers.contains("run"))
        // What a person's own terminal shows goes to that terminal alone, byte for byte.
        let terminals = ["shell_terminal", "ssh_terminal"]
        for declaration in Catalogue.standard.operations.map(\.declaration)
        where declaration.toolset != .m365 && !terminals.contains(declaration.name) {
            #expect(carriers.contains(declaration.name))
        }
    }

    @Test(
        "keeps what only begins like a secret",
        arguments: [
            "https://graph.microsoft.com/v1.0/users?$skiptoken=eyJ0IjoiMjAyNi0xMS0yMSIsInMiOjEyMzQ1Njc4OTB9",
            "origin\tssh://git@github.com/contoso/site.git (fetch)", "https://ann@contoso.example/x",
        ])
    func kept(_ text: String) {
        #expect(OutgoingFilter(held: HeldSecrets()).text(text) == text)
    }
}
