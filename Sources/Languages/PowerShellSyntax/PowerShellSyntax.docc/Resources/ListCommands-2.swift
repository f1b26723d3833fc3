import PowerShellSyntax

let text = "Get-Mailbox -ResultSize 5 | ForEach-Object { Remove-Mailbox $_.Alias }"
let script = PowerShellParser.parse(text)
for error in script.errors { print("\(error.id) at \(error.extent.start)") }

for fact in ScriptFacts(of: script).items {
    guard case .command(let command) = fact.detail else { continue }
    let indentation = String(repeating: "  ", count: fact.depth)
    print(indentation + (command.name ?? "a computed name"))
}
