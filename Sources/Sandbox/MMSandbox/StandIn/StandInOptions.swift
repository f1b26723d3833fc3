import MMCore
import MMPowerShell

/// How the stand-in is started: like `pwsh`, preceded by options of its own that make it misbehave.
package struct StandInOptions: Sendable {
    /// What goes wrong at start.
    package enum Start: String, Sendable, CaseIterable {
        case wellBehaved = "well-behaved"
        case wrongNonce = "wrong-nonce"
        case wrongProtocol = "wrong-protocol"
        case wrongProcess = "wrong-process"
        case oldVersion = "old-version"
        case noGreeting = "no-greeting"
        case halfGreeting = "half-greeting"
        case noConnection = "no-connection"
        case dies = "dies"
        case garbage = "garbage"
    }

    /// How a device code is shown.
    package enum PromptWay: String, Sendable, CaseIterable {
        case console
        case error
        case information
        case warning
        case output
        case native
    }

    var start = Start.wellBehaved
    var startAfter = 0
    var promptWay: PromptWay?
    var approveAfter = 50
    /// A file whose existence counts as the person's approval, in place of a delay.
    var approveWhen: String?
    var declines = false
    var account = "admin@contoso.example"
    var tenant = "11111111-2222-3333-4444-555555555555"
    /// The address of the sandbox tenant whose services the modules use; `nil` for made-up answers.
    var sandbox: String?
    var missingModule = false
    /// The version of the modules that are installed; each one's own of the table when `nil`.
    var moduleVersion: String?
    var script: String?
    var asksVersion = false

    /// Parses a command line.
    /// - Throws: `invalidInput` that names the word.
    init(_ arguments: [String]) throws(MMError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--version", "-v", "-Version": asksVersion = true
            case "-NoLogo", "-NoProfile", "-NonInteractive": continue
            case "-File": script = try Self.value(of: word, &rest)
            case "--start":
                let value = try Self.value(of: word, &rest)
                guard let known = Start(rawValue: value) else { throw Self.wrong(word, value) }
                start = known
            case "--prompt":
                let value = try Self.value(of: word, &rest)
                guard let known = PromptWay(rawValue: value) else { throw Self.wrong(word, value) }
                promptWay = known
            case "--start-after": startAfter = try Self.number(of: word, &rest)
            case "--approve-after": approveAfter = try Self.number(of: word, &rest)
            case "--approve-when": approveWhen = try Self.value(of: word, &rest)
            case "--account": account = try Self.value(of: word, &rest)
            case "--tenant": tenant = try Self.value(of: word, &rest)
            case "--sandbox": sandbox = try Self.value(of: word, &rest)
            case "--decline": declines = true
            case "--missing-module": missingModule = true
            case "--module-version": moduleVersion = try Self.value(of: word, &rest)
            default:
                throw MMError(
                    .invalidInput, "The stand-in doesn't know “\(word)”.",
                    hint: "It is started like pwsh: -NoLogo -NoProfile -NonInteractive -File bootstrap.ps1")
            }
        }
    }

    /// The claims of the signed-in account where there is no tenant.
    var claims: TokenClaims {
        TokenClaims(account: account, objectID: "99999999-0000-0000-0000-000000000000", tenantID: tenant)
    }

    private static func value(of word: String, _ rest: inout ArraySlice<String>) throws(MMError) -> String {
        guard let value = rest.popFirst() else { throw MMError(.invalidInput, "\(word) needs a value.") }
        return value
    }

    private static func number(of word: String, _ rest: inout ArraySlice<String>) throws(MMError) -> Int {
        let text = try value(of: word, &rest)
        guard let number = Int(text), number >= 0 else { throw wrong(word, text) }
        return number
    }

    private static func wrong(_ word: String, _ value: String) -> MMError {
        MMError(.invalidInput, "\(word) can't be “\(value)”.")
    }
}
