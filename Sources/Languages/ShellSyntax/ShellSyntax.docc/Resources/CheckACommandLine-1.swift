import ShellSyntax

let line = "git log --oneline | head -5 > log.txt"

do throws(ShellRefusal) {
    let script = try ShellScript.parse(line)
    print("\(script.commands.count) commands")
} catch {
    print(error.description)
}
