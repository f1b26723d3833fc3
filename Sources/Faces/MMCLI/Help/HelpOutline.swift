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
                Noun("run", "Run PowerShell in a signed-in session; a prompt without a command"),
                Noun("graph", "Send requests to Microsoft Graph or Power Automate"),
                Noun("endpoints", "Find what Microsoft Graph offers, by words"),
                Noun("recipe", "Carry out tasks that come ready; `do` carries out your own"),
                Noun("shell", "Run commands in persistent shells of this machine, or open one"),
                Noun("exec", "Run any program with a connection's identity and no token"),
                Noun("ssh", "Run commands on hosts, in persistent sessions, or open one"),
            ]),
        Group(
            title: "Connections and sign-in",
            nouns: [
                Noun("connect", "Connect a tenant: find it, sign in, register an app if you like"),
                Noun("connections", "Add, show, change and check the tenants that can be used"),
                Noun("login", "Sign a connection in"),
                Noun("status", "Show who is signed in where, and pending sign-ins"),
            ]),
        Group(
            title: "Safety",
            nouns: [
                Noun("guard", "Check what would be allowed, and list the rules"),
                Noun("plan", "See what calls would change, and approve it once; `apply` sends exactly that"),
                Noun("undo", "Take back what was changed"),
                Noun("audit", "Show and verify what was done, by whom, with what outcome"),
            ]),
        Group(
            title: "This machine",
            nouns: [
                Noun("mcp", "Connect AI clients"),
                Noun("doctor", "Check that everything mm relies on is in order"),
                Noun("sandbox", "Practise on an offline tenant"),
            ]),
    ])
}
