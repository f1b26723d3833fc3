import MMCore
import MMOperations

/// The commands of `mm sandbox`, shared by two programs: `mm` lists and completes them, `mm-sandbox` carries them out.
package enum SandboxCommand: String, Sendable, CaseIterable {
    case start
    case stop
    case status
    case approve
    case users
    case faults
    case policies
    case pwsh

    /// Returns the command.
    /// - Parameter work: what the command runs.
    package func command(_ work: LocalCommand.Work) -> LocalCommand {
        let command = LocalCommand(
            ["sandbox", rawValue], summary: summary, discussion: discussion, fields: fields, examples: examples,
            work: work)
        // The stand-in for `pwsh` is only run by sessions, never by people.
        return self == .pwsh ? command.hidden : command
    }

    private var summary: String {
        switch self {
        case .start: "Start the sandbox tenant: an offline stand-in for Microsoft 365."
        case .stop: "Stop the sandbox tenant."
        case .status: "Show whether the sandbox tenant runs, and where."
        case .approve: "Approve (or decline) a sign-in code as one of the tenant's accounts."
        case .users: "List accounts of the sandbox tenant."
        case .faults: "Show, add or clear faults of the sandbox tenant."
        case .policies: "Show, add or clear Conditional Access policies of the sandbox tenant."
        case .pwsh: "Be a stand-in for PowerShell: started like pwsh, for tests and the sandbox tenant."
        }
    }

    private var discussion: String {
        switch self {
        case .start:
            "It runs as a process of its own until `mm sandbox stop`, on this machine's loopback address, with 5,000 "
                + "users, mail, groups, sites and flows that live in its memory. Connections with `\"cloud\": \"sandbox\"` "
                + "reach it."
        case .faults: "A fault is a JSON object, as Docs/Sandbox.md lists them."
        case .policies:
            "A policy is a JSON object: whom it concerns (users, apps), which ways to sign in (flows: device, browser, "
                + "app), where (locations, exceptLocations), and what it asks for (grant, frequency). The surroundings say "
                + "where people are (location) and what their browsers run on (device). Docs/Sandbox.md lists the words."
        case .pwsh:
            "It takes the arguments of pwsh, gives recorded answers, and never claims to be a real PowerShell."
        case .stop, .status, .approve, .users: ""
        }
    }

    private var fields: [InputField] {
        switch self {
        case .start:
            [
                InputField("connection", .text, "Also add a connection of this name for it."),
                InputField("port", .integer(0...65_535), "The port (default: any free one)."),
                InputField("users", .integer(1...1_000_000), "How many users the tenant has (default 5000)."),
                InputField(
                    "mailboxes", .integer(1...1_000_000), "How many mailboxes Exchange has (default: one a user)."),
                InputField(
                    "customers", .integer(1...1000),
                    "Also be a partner with so many customers, each a tenant of its own (Docs/StartProvider.md)."),
                InputField("interval", .integer(1...60), "Seconds between two polls for a sign-in (default 5)."),
                InputField("lifetime", .integer(1...86_400), "Seconds an access token lives (default 4821)."),
                InputField(
                    "token-groups", .integer(0...10_000),
                    "How many groups an access token for the tenant's own API names (default 200); of an account with more it "
                        + "names none."),
                InputField("certificate", .text, "A certificate (PEM) that the app signing in by itself has."),
                InputField("foreground", .flag, "Serve in this process until it is ended."),
            ]
        case .approve:
            [
                InputField("code", .text, "The code that was shown.", .required, .at(0)),
                InputField("account", .text, "Who approves (default: the tenant's administrator)."),
                InputField("decline", .flag, "Decline it."),
            ]
        case .users: [InputField("top", .integer(1...1_000_000), "How many (default: those with a role to play).")]
        case .faults:
            [
                InputField("add", .object, "A fault to add.", .readsFiles),
                InputField("clear", .flag, "Remove all faults."),
                InputField("tenant", .text, "A customer's id or domain (default: the sandbox's own tenant)."),
            ]
        case .policies:
            [
                InputField("add", .object, "A policy to add.", .readsFiles),
                InputField(
                    "surroundings", .object, "Where people are from now on, and at what device.", .readsFiles),
                InputField("clear", .flag, "Remove all policies; surroundings are again what they were."),
            ]
        case .stop, .status, .pwsh: []
        }
    }

    private var examples: [OperationDeclaration.Example] {
        switch self {
        case .start:
            [.init("mm sandbox start --connection Demo", "then: mm login Demo, and mm sandbox approve CODE")]
        case .approve: [.init("mm sandbox approve F7KQ2M8XA", "what a person does in the browser")]
        case .faults:
            [
                .init(
                    #"mm sandbox faults --add '{"kind": "throttle", "path": "/v1.0/users", "count": 2}'"#,
                    "two answers 429"),
                .init("mm sandbox faults --clear", "back to normal"),
            ]
        case .policies:
            [
                .init(
                    #"mm sandbox policies --add '{"flows": ["device"], "grant": "block"}'"#,
                    "no sign-in with a code: AADSTS53003"),
                .init(
                    #"mm sandbox policies --surroundings '{"device": "compliant"}'"#,
                    "browsers run on a device that the tenant manages"),
            ]
        case .stop, .status, .users, .pwsh: []
        }
    }
}
