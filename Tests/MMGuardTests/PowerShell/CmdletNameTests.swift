import MMGuard
import Testing

@Suite("Names like an unknown cmdlet's", .timeLimit(.minutes(5)))
struct CmdletNameTests {
    @Test(
        "begin with other verbs for the same noun, of the same purpose",
        arguments: [
            ("graph", "Add-MgGroupMember", "New-MgGroupMember"), ("graph", "Update-MgUserLicense", "Set-MgUserLicense"),
            ("graph", "Set-MgUser", "Update-MgUser"), ("exo", "New-MailboxPermission", "Add-MailboxPermission"),
            ("graph", "New-MgUsr", "New-MgUser"),
        ])
    func near(module: String, name: String, meant: String) {
        let near = CmdletCompletion(module: module).near(name)
        #expect(near.contains(meant) && near.count <= 3, "\(near)")
    }
}
