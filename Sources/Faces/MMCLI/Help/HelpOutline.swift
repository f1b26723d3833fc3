/// The overview of a program: its nouns in groups, with one line each. `help --all` lists every command.
package struct HelpOutline: Sendable {
    /// A titled group of nouns.
    struct Group: Sendable {
        let title: String
        let nouns: [Noun]
    }

    /// A noun: the first word of one or more commands.
    struct Noun: Sendable {
        let word: String
        let summary: String

        init(_ word: String, _ summary: String) {
            self.word = word
            self.summary = summary
        }
    }

    let groups: [Group]

    /// The words of all nouns.
    var words: Set<String> { Set(groups.flatMap { $0.nouns.map(\.word) }) }

    /// The outline of `mm`.
    package static let mm = HelpOutline(groups: [
        Group(
            title: "Work",
            nouns: [
                Noun("run", "Run PowerShell in a signed-in session, or open a prompt"),
                Noun("graph", "Send requests to Microsoft Graph, Azure or Power Automate"),
                Noun("endpoints", "Search the API of Microsoft Graph"),
                Noun("recipe", "Run ready-made tasks; `do` runs your own tools"),
                Noun("shell", "Run commands in persistent local shells, or open one"),
                Noun("exec", "Run a program with a connection's identity, without tokens"),
                Noun("ssh", "Run commands on hosts in persistent sessions, or open one"),
            ]),
        Group(
            title: "Connections and sign-in",
            nouns: [
                Noun("connect", "Connect a tenant: find it, sign in, optionally register an app"),
                Noun("connections", "Add, show, change and check connections"),
                Noun("login", "Sign in to a connection"),
                Noun("status", "Show signed-in accounts and pending sign-ins"),
            ]),
        Group(
            title: "Safety",
            nouns: [
                Noun("guard", "Check scripts and requests, and list the rules"),
                Noun("plan", "Preview and approve changes; `apply` sends exactly those"),
                Noun("undo", "Undo changes"),
                Noun("audit", "Show and verify the audit log"),
            ]),
        Group(
            title: "This machine",
            nouns: [
                Noun("mcp", "Connect AI clients"),
                Noun("doctor", "Check the installation and suggest fixes"),
                Noun("sandbox", "Try mm on an offline tenant"),
            ]),
    ])
}
