import MMCore
import PowerShellSyntax

extension DoctorCheck {
    /// The functions in place of the cmdlets with which scripts sign in and import modules.
    static let ownSignIn: [DoctorCheck] = [
        DoctorCheck(.commands, "a script that imports the session's module anew keeps its sign-in") { bench in
            try await imported(
                bench,
                """
                Import-Module Microsoft.Graph.MMOwn
                $state = Get-MMState
                Import-Module Microsoft.Graph.MMOwn -Force
                $given = @{ Name = 'Microsoft.Graph.MMOwn'; Force = $true }
                Import-Module @given
                $state -eq (Get-MMState)
                """, gives: [true])
        },
        DoctorCheck(.commands, "a script that imports a module of its own anew gets it anew") { bench in
            try await imported(
                bench,
                """
                Import-Module MMOwn
                $state = Get-MMState
                Import-Module MMOwn -Force
                $state -eq (Get-MMState)
                """, gives: [false])
        },
        DoctorCheck(.commands, "switches of Import-Module and the like may be given a value") { bench in
            try await imported(
                bench,
                """
                Import-Module -Name MMOwn -Verbose:$false -Force:$true
                @(Get-Module MMOwn -All:$false).Count
                Remove-Module MMOwn -Verbose:$false
                @(Get-Module MMOwn).Count
                """, gives: [1, 0])
        },
    ]

    /// Runs a script in a session of Graph that has a module of its service and another one, both with a state that a
    /// further import replaces.
    private static func imported(_ bench: DoctorBench, _ script: String, gives values: [JSONValue]) async throws
        -> String
    {
        var settings = bench.settings
        let folder = settings.home + "/modules"
        for name in ["Microsoft.Graph.MMOwn", "MMOwn"] {
            try ProtectedFile.makeDirectory("\(folder)/\(name)")
            try ProtectedFile.replace(
                "\(folder)/\(name)/\(name).psm1",
                with: Array("$state = [guid]::NewGuid()\nfunction Get-MMState { $script:state }\n".utf8))
        }
        settings.modulePaths.insert(folder, at: 0)
        let answer = try await bench.withFreshHost(settings) { host in
            let deadline = Deadline.after(.seconds(60))
            let signIn = OwnSignIn(own: SignInIdentity(connection: "Doctor"))
            _ = try await host.answer(OwnSignInScript.command(signIn, module: "graph"), deadline: deadline)
            return try await host.answer(PowerShellCommand(script), deadline: deadline)
        }
        try demand(answer.isClean && answer.values == values, "it gave \(answer.values): \(answer.problem ?? "")")
        return ""
    }
}
