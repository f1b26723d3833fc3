// Several changes as one plan: making it changes nothing, a person approves it once, and exactly that is applied.
//
//     swift run PlannedChange Contoso ada@contoso.com        plans, and says what a person has to do
//     swift run PlannedChange --apply pln_46b8cac65b33       applies it; repeat it after an interruption, nothing is sent twice
import Glibc
import MicrosoftMaster

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 2 else {
    print("usage: PlannedChange CONNECTION USER | --apply PLAN")
    exit(2)
}

func call(_ connection: String, _ user: String, _ body: JSONObject) -> JSONValue {
    [
        "tool": "graph_request",
        "arguments": [
            "connection": .string(connection), "endpoint": .string("/users/\(user)"), "method": "PATCH",
            "body": .object(body),
        ],
    ]
}

do throws(MMError) {
    let mm = try await MM.pool(named: "PlannedChange")
    if words[0] == "--apply" {
        let applied = try await mm("apply", ["plan": .string(words[1])]).json()
        for step in applied["steps"]?.array ?? [] {
            print("\(step["result"]?.string ?? ""): \(step["request"]?.string ?? "")")
        }
        print("mm undo --call \(applied["call"]?.string ?? "") takes all of it back")
    } else {
        let calls = [
            call(words[0], words[1], ["accountEnabled": false]),
            call(words[0], words[1], ["jobTitle": "Former employee"]),
        ]
        let plan = try await mm("plan", ["calls": .array(calls)]).json()
        for step in plan["steps"]?.array ?? [] {
            print(step["change"]?.string ?? "")
            for line in step["lines"]?.array ?? [] { print("  \(line.string ?? "")") }
        }
        let id = plan["plan"]?.string ?? ""
        if plan["asks"] == true { print("A person approves it in a terminal: mm plan approve \(id)") }
        print("Then: swift run PlannedChange --apply \(id)")
    }
} catch {
    // 5: a person has to confirm; 1: an object has changed since it was planned.
    print(error.description)
    exit(error.exitCode)
}
