import MMCore
import MMGuard

/// The arguments of `exec`.
struct ExecInput: OperationInput {
    @Argument(
        "connection", "Connection to sign in with, or env: for the identity in AZURE_CLIENT_ID and AZURE_TENANT_ID.",
        .at(0))
    var connection: String
    @Argument(
        "command", "Program to run and its arguments, after --.", .required, .at(1), .mayBeEmpty, .completes(.files))
    var command: [String]
    @Argument("read_only", "Hold back all requests that change something.") var isReadOnly: Bool
    @Argument(
        "allow",
        "Allow a class of changes without asking: write, destructive, send, … Repeat the flag for several classes.",
        asAll: ExecInput.classes)
    var allowed: [GuardClass] = []
    @Argument("read", "Additional folder that the program may read.", .completes(.files)) var readable: [String]
    @Argument("write", "Additional folder that the program may write to.", .completes(.files)) var writable: [String]
    @Argument("env", "Name of an environment variable to pass to the program.") var variables: [String]
    @Argument("host", "Additional host that the program may reach, such as api.github.com.", asAll: ExecInput.hosts)
    var hosts: [PlainHostName] = []

    func check() throws(MMError) {
        guard let program = command.first, !program.isEmpty else {
            throw MMError(
                .invalidInput, "The program to run is missing.",
                hint: "Write it after --: mm exec Contoso -- az account show.",
                details: ["field": "command"])
        }
        guard allowed.isEmpty || !isReadOnly else {
            throw MMError(
                .invalidInput, "--read-only and --allow can't be used together.", hint: "Leave one of them out.",
                details: ["field": "allow"])
        }
    }

    /// Returns what a person agrees to besides the program: what it may send, reach, read and write, and where it
    /// starts.
    func terms(in directory: String) -> JSONObject {
        var terms: JSONObject = ["directory": .string(directory)]
        for (name, values) in [
            ("allow", allowed.map(\.rawValue)), ("host", hosts.map(\.description)), ("read", readable),
            ("write", writable), ("env", variables),
        ] where !values.isEmpty {
            terms[name] = .array(values.map { .string($0) })
        }
        return terms
    }

    private static func classes(_ texts: [String]) throws(MMError) -> [GuardClass] {
        var classes: [GuardClass] = []
        for word in texts.flatMap({ $0.split(separator: ",") }) {
            guard let one = GuardClass(word: String(word)), StandingApproval.isPossible(one) else {
                let possible = GuardClass.allCases.filter(StandingApproval.isPossible).map(\.rawValue)
                throw MMError(
                    .invalidInput, "`\(word.prefix(40))` can't be allowed.",
                    hint:
                        "Classes that can: \(possible.joined(separator: ", ")). For all other classes a person is asked each time.",
                    details: ["field": "allow"])
            }
            classes.append(one)
        }
        return classes
    }

    private static func hosts(_ texts: [String]) throws(MMError) -> [PlainHostName] {
        var names: [PlainHostName] = []
        for text in texts {
            guard let name = PlainHostName(text) else {
                throw MMError(
                    .invalidInput, "`\(text.prefix(80))` is not a plain host name.",
                    hint: "For example api.github.com.",
                    details: ["field": "host"])
            }
            names.append(name)
        }
        return names
    }
}
