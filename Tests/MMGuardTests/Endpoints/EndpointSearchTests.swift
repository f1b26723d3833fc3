import MMCore
import TestSupport
import Testing

@testable import MMGuard

@Suite("Endpoints found by words", .timeLimit(.minutes(5)))
struct EndpointSearchTests {
    private let search = EndpointSearch()

    /// A template without the names of its keys.
    private static func shape(_ call: String) -> String {
        var text = ""
        var depth = 0
        for letter in call {
            if letter == "{" { depth += 1 }
            if depth == 0 { text.append(letter) }
            if letter == "}" {
                depth -= 1
                if depth == 0 { text += "{}" }
            }
        }
        return text
    }

    @Test("the recorded questions find their calls")
    func questions() throws {
        var (count, first, third) = (0, 0, 0)
        var missed: [String] = []
        for line in try Fixture.lines("endpoints/questions.txt") {
            let parts = line.split(separator: "|").map { $0.trimming(" ") }
            let question = try #require(parts.first)
            let wanted = parts[1].split(separator: ";").map { Self.shape($0.trimming(" ")) }
            let found = search.find(question, limit: 3).map { Self.shape("\($0.call.method) \($0.call.template)") }
            count += 1
            if let best = found.first, wanted.contains(best) { first += 1 }
            if found.contains(where: wanted.contains) { third += 1 } else { missed.append("\(question): \(found)") }
        }
        #expect(count > 300)
        #expect(Double(first) >= 0.95 * Double(count), "\(first) of \(count)")
        #expect(Double(third) >= 0.99 * Double(count), "\(missed)")
    }

    @Test("a method narrows, a limit limits, and nothing is found for what nothing is called")
    func options() {
        #expect(search.find("inbox rules", limit: 10, method: "delete").allSatisfy { $0.call.method == "DELETE" })
        #expect(search.find("users", limit: 3).count == 3)
        #expect(search.find("", limit: 3).isEmpty)
        #expect(search.find("qqqqq zzzzz", limit: 3, method: "BREW").isEmpty)
    }

    @Test(
        "words that match nothing find nothing, and a name beside known words is still a person's",
        arguments: ["zzqqxx", "frobnicate the wibble", "xyzzy plugh"])
    func nothing(_ words: String) {
        #expect(search.find(words, limit: 3).isEmpty)
        #expect(search.find("inbox rules of \(words)", limit: 1).first?.call.template.contains("messageRules") == true)
    }

    @Test("a question of any length is answered by its beginning, in a moment", arguments: ["x", "wibble ", "é"])
    func long(_ rest: String) {
        let question = "inbox rules of a user " + String(repeating: rest, count: 1_000_000)
        #expect(search.find(question, limit: 1).first?.call.template.contains("messageRules") == true)
        #expect(NameSearch().find(question, among: ["Get-InboxRule"], limit: 1) == ["Get-InboxRule"])
    }

    @Test("an example goes with the call that it is one of")
    func examples() throws {
        let block = try #require(search.find("block sign-in", limit: 1).first)
        #expect(block.call.example == #"{"accountEnabled":false}"#)
        let guests = try #require(search.find("guests", limit: 1).first)
        #expect(guests.call.example.contains("userType"))
    }

    @Test(
        "one slip in a word is forgiven",
        arguments: [("conditionl access", "/identity/conditionalAccess/policies"), ("gruops", "/groups")])
    func slips(question: String, template: String) throws {
        #expect(search.find(question, limit: 3).contains { $0.call.template == template })
    }

    @Test("what only beta has comes forward when it is asked for")
    func beta() {
        let hits = search.find("settings catalog", limit: 5, withBeta: true)
        #expect(hits.first?.call.isBetaOnly == true)
        #expect(hits.first?.call.path.hasPrefix("/beta/") == true)
    }

    @Test(
        "words are compared without their endings",
        arguments: [
            ("policies", "policy"), ("licenses", "license"), ("devices", "device"), ("assigned", "assign"),
            ("messages", "message"), ("addresses", "address"), ("forwarding", "forward"), ("disabled", "disable"),
        ])
    func stems(one: String, other: String) {
        #expect(WordForm.stem(one) == WordForm.stem(other))
    }

    @Test("names are taken apart where capitals begin, accents fall away")
    func pieces() {
        #expect(WordForm.pieces("getMemberGroups") == ["get", "member", "groups"])
        #expect(WordForm.pieces("Gäste löschen!") == ["gaste", "loschen"])
        #expect(WordForm.pieces("alerts_v2 OAuth2PermissionGrant").contains("permission"))
    }
}

extension StringProtocol {
    fileprivate func trimming(_ letter: Character) -> String {
        var rest = self[...]
        while rest.first == letter { rest = rest.dropFirst() }
        while rest.last == letter { rest = rest.dropLast() }
        return String(rest)
    }
}
