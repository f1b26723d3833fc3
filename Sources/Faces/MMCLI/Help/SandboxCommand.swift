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
        case .status: "Show whether the sandbox tenant is running, and its address."
        case .approve: "Approve or decline a sign-in code as one of the tenant's accounts."
        case .users: "List accounts of the sandbox tenant."
        case .faults: "Show, add or clear faults of the sandbox tenant."
        case .policies: "Show, add or clear Conditional Access policies of the sandbox tenant."
        case .pwsh: "Run a stand-in for PowerShell, which is started like pwsh, for tests and the sandbox tenant."
        }
    }

    private var discussion: String {
        switch self {
        case .start:
            "It runs as a separate process until `mm sandbox stop`, on this machine's loopback address, with 5,000 "
                + "users, mail, groups, sites and flows in memory. Connections with `\"cloud\": \"sandbox\"` "
                + "reach it."
        case .faults: "A fault is a JSON object; Docs/Sandbox.md lists them."
        case .policies:
            "A policy is a JSON object: users and apps it applies to (users, apps), ways to sign in (flows: device, browser, "
                + "app), places (locations, exceptLocations), and requirements (grant, frequency). The surroundings set "
                + "the place of people (location) and the device of their browsers (device). Docs/Sandbox.md lists the values."
        case .pwsh:
            "It accepts the arguments of pwsh, returns recorded answers, and never claims to be a real PowerShell."
        case .stop, .status, .approve, .users: ""
        }
    }

    private var fields: [InputField] {
        switch self {
        case .start:
            [
                InputField("connection", .text, "Also add a connection with this name."),
                InputField("port", .integer(0...65_535), "Port (default: any free port)."),
                InputField("users", .integer(1...1_000_000), "Number of users (default 5000)."),
                InputField(
                    "mailboxes", .integer(1...1_000_000), "Number of mailboxes (default: one per user)."),
                InputField(
                    "customers", .integer(1...1000),
                    "Also act as a partner with this many customers, each a separate tenant (Docs/StartProvider.md)."),
                InputField("interval", .integer(1...60), "Polling interval of sign-ins, in seconds (default 5)."),
                InputField("lifetime", .integer(1...86_400), "Lifetime of access tokens, in seconds (default 4821)."),
                InputField(
                    "token-groups", .integer(0...10_000),
                    "Maximum number of groups in an access token for the tenant's own API (default 200); for an account with more it "
                        + "names none."),
                InputField(
                    "certificate", .text, "Certificate (PEM) of the app that signs in without a person.",
                    .completes(.files)),
                InputField("foreground", .flag, "Serve in this process until it is stopped."),
            ]
        case .approve:
            [
                InputField("code", .text, "The code that mm showed.", .required, .at(0)),
                InputField("account", .text, "Account that approves (default: the tenant's administrator)."),
                InputField("decline", .flag, "Decline it."),
            ]
        case .users:
            [
                InputField(
                    "top", .integer(1...1_000_000), "Number of accounts (default: those with a role in the examples).")
            ]
        case .faults:
            [
                InputField("add", .object, "Fault to add.", .readsFiles),
                InputField("clear", .flag, "Remove all faults."),
                InputField("tenant", .text, "A customer's id or domain (default: the sandbox's own tenant)."),
            ]
        case .policies:
            [
                InputField("add", .object, "Policy to add.", .readsFiles),
                InputField(
                    "surroundings", .object, "Place and device of people from now on.", .readsFiles),
                InputField("clear", .flag, "Remove all policies and reset the surroundings."),
            ]
        case .stop, .status, .pwsh: []
        }
    }

    private var examples: [OperationDeclaration.Example] {
        switch self {
        case .start:
            [.init("mm sandbox start --connection Demo", "then: mm login Demo, and mm sandbox approve CODE")]
        case .approve: [.init("mm sandbox approve F7KQ2M8XA", "approves the sign-in, as a person would in the browser")]
        case .faults:
            [
                .init(
                    #"mm sandbox faults --add '{"kind": "throttle", "path": "/v1.0/users", "count": 2}'"#,
                    "two answers 429"),
                .init("mm sandbox faults --clear", "removes all faults"),
            ]
        case .policies:
            [
                .init(
                    #"mm sandbox policies --add '{"flows": ["device"], "grant": "block"}'"#,
                    "blocks sign-ins with a code: AADSTS53003"),
                .init(
                    #"mm sandbox policies --surroundings '{"device": "compliant"}'"#,
                    "browsers now run on a device that the tenant manages"),
            ]
        case .stop, .status, .users, .pwsh: []
        }
    }
}
