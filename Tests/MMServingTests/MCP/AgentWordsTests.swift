import MMCore
import MMOperations
import Testing

@testable import MMServing

@Suite("Messages for callers with tools only", .timeLimit(.minutes(5)))
struct AgentWordsTests {
    private let words = AgentWords(prefix: "mm__")

    @Test(
        "a command becomes the call of its tool, a flag the argument's name",
        arguments: [
            ("`mm endpoints 'words'` finds paths.", #"`mm__graph_request {"search":"words"}` finds paths."#),
            (
                "`mm endpoints --properties user` lists its properties.",
                #"`mm__recipe {"name":"endpoints","parameters":{"properties":"user"}}` lists its properties."#
            ),
            (
                "mm undo list shows the changes; mm undo ID undoes one.",
                #"mm__recipe {"name":"undo_list"} shows the changes; mm__recipe {"name":"undo","parameters":{"id":"ID"}} undoes one."#
            ),
            ("undo: `mm undo chg_5f0`", #"undo: `mm__recipe {"name":"undo","parameters":{"id":"chg_5f0"}}`"#),
            ("undo: mm undo --call ab-Cde", #"undo: mm__recipe {"name":"undo","parameters":{"call":"ab-Cde"}}"#),
            (
                "Give the module: mm run CONNECTION exo 'SCRIPT'. The modules are exo and teams.",
                #"Give the module: mm__run {"connection":"CONNECTION","module":"exo","command":"SCRIPT"}. "#
                    + "The modules are exo and teams."
            ),
            (
                "`mm output HANDLE --download FILE` writes one to a file.",
                #"`mm__output {"download":"FILE","handle":"HANDLE"}` writes one to a file."#
            ),
            (
                "`mm graph Demo \(ShellWord.quoted("/groups?$filter=displayName eq 'Sales'"))` finds it.",
                #"`mm__graph_request {"connection":"Demo","endpoint":"/groups?$filter=displayName eq 'Sales'"}`"#
                    + " finds it."
            ),
            (
                "It has ended: mm logout Contoso, then mm login Contoso. Then repeat it.",
                #"It has ended: mm__logout {"connection":"Contoso"}, then mm__login {"connection":"Contoso"}. "#
                    + "Then repeat it."
            ),
            ("mm login signs in.", "mm__login signs in."),
            ("`mm apply pln_5f`", #"`mm__recipe {"name":"apply","parameters":{"plan":"pln_5f"}}`"#),
            ("`mm recipe` lists them.", "`mm__recipe` lists them."),
            ("Graph grows: `unlisted: true` (--unlisted) sends it.", "Graph grows: `unlisted: true` sends it."),
            ("Give `body` (in a terminal: -d '{…}' or -d @file.json).", "Give `body`."),
            (
                "To repeat only those: mm graph --resume set_a1",
                #"To repeat only those: mm__graph_request {"resume":"set_a1"}"#
            ),
            (
                "To repeat only those: mm drift --resume set_a1",
                #"To repeat only those: mm__recipe {"name":"drift","parameters":{"resume":"set_a1"}}"#
            ),
            ("Leave --dry-run out.", "Leave `dryRun` out."), ("See `mm status`.", "See `mm__status`."),
            ("This server only reads (--read-only).", "This server only reads (--read-only)."),
            ("Ten mm of rain -- and more.", "Ten mm of rain -- and more."),
            ("nothing of the kind", "nothing of the kind"),
            ("“mm login Demo --all”: it would sign in.", "“mm login Demo --all”: it would sign in."),
            ("“mm confirm X” is denied. See `mm status`.", "“mm confirm X” is denied. See `mm__status`."),
        ])
    func translated(given: String, due: String) {
        #expect(words.translated(given) == due)
    }

    @Test(
        "for programs a command becomes the operation with its own name, whatever models are offered",
        arguments: [
            ("mm undo list shows the changes.", "undo_list shows the changes."),
            ("undo: mm undo chg_5f0", #"undo: undo {"id":"chg_5f0"}"#),
            (
                "Give the module: mm run CONNECTION exo 'SCRIPT'.",
                #"Give the module: run {"connection":"CONNECTION","module":"exo","command":"SCRIPT"}."#
            ),
            ("`mm endpoints 'words'` finds paths.", #"`endpoints {"question":"words"}` finds paths."#),
            ("Leave --dry-run out, or add --depth 5.", "Leave `dryRun` out, or add `depth` 5."),
            (
                "Run `mm connections edit Contoso guard=strict`.",
                "Run `mm connections edit Contoso guard=strict` (the owner's, in a terminal)."
            ),
        ])
    func ofPrograms(given: String, due: String) {
        #expect(AgentWords.ofPrograms.translated(given) == due)
    }

    @Test("each operation that a model may call is called by the tool's own name, or is a task of the tool for tasks")
    func tasks() {
        for operation in Catalogue.standard.operations where operation.declaration.audience == .everyone {
            let declaration = operation.declaration
            guard !declaration.isListed, !["recipe", "do"].contains(declaration.name) else { continue }
            #expect(ReadyShelf.standard.task(named: declaration.name)?.name == declaration.name, "\(declaration.name)")
        }
    }

    @Test(
        "a command or an argument that no tool has stays whole and is the owner's",
        arguments: [
            (
                "Start it: mm pool serve --profile pool --listen HOST:PORT; or leave out the address.",
                "Start it: mm pool serve --profile pool --listen HOST:PORT (the owner's, in a terminal); "
                    + "or leave out the address."
            ),
            (
                "Or set another app: mm connections edit ContosoSandbox moduleApps.MODULE=ID.",
                "Or set another app: mm connections edit ContosoSandbox moduleApps.MODULE=ID (the owner's, in a terminal)."
            ),
            ("Stop it with: mm sandbox stop", "Stop it with: mm sandbox stop (the owner's, in a terminal)"),
            (
                "To see whether it is installed: mm doctor powershell.",
                "To see whether it is installed: mm doctor powershell (the owner's, in a terminal)."
            ),
            (
                "It does not exist: pass the file with --attach, or leave it out.",
                "It does not exist: pass the file with --attach (the owner's, in a terminal), or leave it out."
            ),
            (
                "Run it with --engine pwsh, or leave that out.",
                "Run it with --engine pwsh (the owner's, in a terminal), or leave that out."
            ),
            ("Use `--save FOLDER` here.", "Use `--save FOLDER` (the owner's, in a terminal) here."),
            ("With --engine the owner decides.", "With --engine (the owner's, in a terminal) the owner decides."),
            ("Repeat it with `--no-wait`.", "Repeat it with `--no-wait` (the owner's, in a terminal)."),
            ("Use another name (--conflict replace or rename accepts this one).", "Use another name."),
            ("Keep it: `mm plan -o change.plan`.", "Keep it: `mm plan -o change.plan` (the owner's, in a terminal)."),
            ("mm key list shows the names.", "mm key list (the owner's, in a terminal) shows the names."),
            (
                "Usage: mm login CONNECTION (`mm connections list` shows the names), or mm login --all.",
                #"Usage: mm__login {"connection":"CONNECTION"} (`mm__connections` shows the names), or mm login --all (the owner's, in a terminal)."#
            ),
        ])
    func whole(given: String, due: String) {
        #expect(words.translated(given) == due)
    }

    @Test("actions that only the owner can do are attributed to the owner")
    func owners() {
        let text = words.translated("Its owner can allow it: mm connections edit Contoso tools=…")
        #expect(text.contains("mm connections edit") && text.contains("the owner's, in a terminal"))
        #expect(words.translated("See `mm doctor`.") == "See `mm doctor` (the owner's, in a terminal).")
    }

    @Test("texts that a person is shown literally aren't changed")
    func confirmations() {
        let error = MMError(.confirmationNeeded, "A person has to confirm.", hint: "Ask them to run: mm confirm abc")
        #expect(error.told(in: words.translated).hint == error.hint)
    }

    @Test(
        "no error of an invalid request names a command or a flag",
        arguments: [
            ["endpoint": "/nosuchthing"], ["endpoint": "/users", "query": ["$select": "dispalyName"]],
            ["endpoint": "/users", "method": "POST"], ["endpoint": "/users", "method": "POST", "body": ["x": 1]],
            ["endpoint": "/users", "method": "PATCH"], ["endpoint": "https://example.com/me"],
            ["endpoint": "/users", "query": ["$filter": "department eq Sales"]],
        ] as [JSONObject])
    func errors(arguments: JSONObject) async throws {
        let home = try ServingHome()
        let call = CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm"))
        var given = arguments
        given["connection"] = "Contoso"
        do throws(MMError) {
            _ = try await LocalOperationService(services: home.services).call("graph_request", given, in: call)
            Issue.record("nothing is wrong with \(given)")
        } catch {
            let text = error.told(in: words.translated).description
            #expect(error.code == .invalidInput, "\(text)")
            #expect(!text.contains("mm ") && !text.contains(" --") && !text.contains("(--"), "\(text)")
        }
    }
}
