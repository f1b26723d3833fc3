import MMCore
import MMPowerShell

/// The command line of the stand-in: like that of `pwsh`, preceded by options of its own that make it misbehave.
package struct StandInOptions: Sendable {
    /// The fault at the start.
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

    /// The way in which a device code is shown.
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
    /// A file whose existence counts as the person's approval, instead of a delay.
    var approveWhen: String?
    var declines = false
    var account = "admin@contoso.example"
    var tenant = "11111111-2222-3333-4444-555555555555"
    /// The address of the sandbox tenant whose services the modules use; `nil` for generated answers.
    var sandbox: String?
    var missingModule = false
    /// The unknown cmdlets, in lower case, of a missing part of a module.
    var lacks: Set<String> = []
    /// The version of the installed modules; `nil` for each one's own.
    var moduleVersion: String?
    /// The work to run.
    var work = StandInWork.input
    var asksVersion = false

    /// Parses a command line.
    /// - Throws: `invalidInput` that names the word.
    init(_ arguments: [String]) throws(MMError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
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
            case "--lacks": lacks.insert(try Self.value(of: word, &rest).lowercased())
            case "--module-version": moduleVersion = try Self.value(of: word, &rest)
            default: try readAsPowerShell(word, &rest)
            }
        }
    }

    /// Reads a word as `pwsh` does: parameters by any unique prefix, and a word without a dash as a file.
    private mutating func readAsPowerShell(_ word: String, _ rest: inout ArraySlice<String>) throws(MMError) {
        guard word.hasPrefix("-"), word != "-" else {
            return take(.file(word, Array(rest)), &rest)
        }
        let name = word.drop { $0 == "-" }.lowercased()
        guard let parameter = StandInParameter.all.first(where: { $0.isMeant(by: name) }) else {
            throw MMError(
                .invalidInput, "The stand-in doesn't know “\(word)”.",
                hint: "It is started like pwsh: -NoProfile -NonInteractive -Command 'Get-MgUser', or -File SCRIPT")
        }
        switch parameter.use {
        case .ignored: return
        case .ignoredWithValue: _ = try Self.value(of: word, &rest)
        case .version: asksVersion = true
        case .file: take(.file(try Self.value(of: word, &rest), Array(rest)), &rest)
        case .command:
            guard !rest.isEmpty else { throw MMError(.invalidInput, "\(word) needs a value.") }
            take(rest == ["-"] ? .input : .text(rest.joined(separator: " ")), &rest)
        case .encoded:
            let value = try Self.value(of: word, &rest)
            guard let bytes = Base64.bytes(value), bytes.count % 2 == 0 else {
                throw MMError(.invalidInput, "The value of \(word) is no Base64 of a text in UTF-16.")
            }
            let units = stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
            work = .text(String(decoding: units, as: UTF16.self))
        }
    }

    /// Sets the work, which takes all remaining words.
    private mutating func take(_ work: StandInWork, _ rest: inout ArraySlice<String>) {
        self.work = work
        rest = []
    }

    /// The claims of the signed-in account without a tenant.
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

/// The work of the stand-in.
enum StandInWork: Sendable, Equatable {
    /// A script file with its arguments; the session's bootstrap script if a session is waiting.
    case file(String, [String])
    /// A script text.
    case text(String)
    /// Standard input, line by line.
    case input
}

/// A parameter of the program `pwsh`.
private struct StandInParameter {
    enum Use {
        case ignored, ignoredWithValue, version, file, command, encoded
    }

    let name: String
    /// The minimum length of an abbreviation.
    let least: Int
    /// Further names.
    var short: [String] = []
    let use: Use

    func isMeant(by word: String) -> Bool {
        short.contains(word) || (word.count >= least && name.hasPrefix(word))
    }

    static let all = [
        StandInParameter(name: "command", least: 3, short: ["c"], use: .command),
        StandInParameter(name: "commandwithargs", least: 8, short: ["cwa"], use: .command),
        StandInParameter(name: "file", least: 1, use: .file),
        StandInParameter(name: "encodedcommand", least: 2, short: ["e", "ec"], use: .encoded),
        StandInParameter(name: "version", least: 1, use: .version),
        StandInParameter(name: "nologo", least: 3, use: .ignored),
        StandInParameter(name: "noninteractive", least: 4, use: .ignored),
        StandInParameter(name: "noprofile", least: 3, use: .ignored),
        StandInParameter(name: "noprofileloadtime", least: 10, use: .ignored),
        StandInParameter(name: "login", least: 1, use: .ignored),
        StandInParameter(name: "executionpolicy", least: 2, short: ["ep"], use: .ignoredWithValue),
        StandInParameter(name: "inputformat", least: 3, short: ["if"], use: .ignoredWithValue),
        StandInParameter(name: "outputformat", least: 1, short: ["of"], use: .ignoredWithValue),
        StandInParameter(name: "workingdirectory", least: 2, short: ["wd"], use: .ignoredWithValue),
        StandInParameter(name: "windowstyle", least: 1, use: .ignoredWithValue),
    ]
}
