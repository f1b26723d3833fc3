import Testing

@testable import MMCLI

@Suite("What TAB does in a prompt", .timeLimit(.minutes(5)))
struct LineCompletionTests {
    @Test(
        "completes a word as far as it is unique, then lists the possibilities",
        arguments: [
            ("Get-M", ["Get-Mailbox"], "Get-Mailbox ", false), ("get-m", ["Get-Mailbox", "Get-Member"], "Get-M", true),
            ("Get", ["Get-Mailbox", "Get-Member"], "Get-M", false), ("-re", ["-ResultSize"], "-ResultSize ", false),
        ] as [(String, [String], String, Bool)])
    func completes(typed: String, words: [String], text: String, lists: Bool) throws {
        let completion = try #require(LineEditor.CompletionAnswer(of: (typed, words)))
        #expect(completion.back == typed.count)
        #expect(completion.text == text)
        #expect(completion.list.isEmpty == !lists)
        if lists { #expect(words.allSatisfy { completion.list.contains($0) }) }
    }

    @Test("does nothing if nothing matches")
    func nothing() { #expect(LineEditor.CompletionAnswer(of: ("xyz", [])) == nil) }
}
