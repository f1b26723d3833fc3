import PowerShellSyntax

let text = "Get-Mailbox -ResultSize 5 | ForEach-Object { Remove-Mailbox $_.Alias }"
let script = PowerShellParser.parse(text)
for error in script.errors { print("\(error.id) at \(error.extent.start)") }
