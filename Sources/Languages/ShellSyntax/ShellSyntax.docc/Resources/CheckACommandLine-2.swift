import ShellSyntax

let allowed: Set<String> = ["git", "head", "grep"]
let line = "git log --oneline | head -5 > log.txt"

do throws(ShellRefusal) {
    let script = try ShellScript.parse(line)
    for command in script.commands {
        print(command.name, allowed.contains(command.name) ? "may run" : "is not allowed")
        for redirection in command.redirections where redirection.kind == .output {
            print("writes to \(redirection.target.value)")
        }
    }
} catch {
    print(error.description)
}
