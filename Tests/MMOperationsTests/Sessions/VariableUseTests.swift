import MMCore
import MMSessions
import PowerShellSyntax
import TestSupport
import Testing

@testable import MMOperations

@Suite("The variables of scripts", .timeLimit(.minutes(10)))
struct VariableUseTests {
    @Test(
        "of a loop are its own within the loop, and the session's in what it goes through",
        arguments: [
            ("foreach ($m in 'a', 'b') { Set-Mailbox $m }", []),
            ("foreach ($a in 1, 2) { foreach ($b in 3, 4) { $a + $b } }", []),
            ("foreach ($m in $m) { $m }", ["m"]),
            ("foreach ($m in $all) { $m; $other }", ["all", "other"]),
            ("$m; foreach ($m in 1, 2) { $m }", ["m"]),
        ] as [(String, Set<String>)])
    func loops(script: String, reads: Set<String>) {
        #expect(VariableUse(PowerShellParser.parse(script)).reads == reads)
    }

    @Test(
        "are hidden within a function by its parameters",
        arguments: [
            ("function f($x) { $x + $y }; f 1", ["y"]), ("function f { param($x, $Y = $x) \"$y\" }; f", []),
            ("function f { param($x) $x }; f $x", ["x"]),
            ("function f { function g($x) { $x }; g $x }; f", ["x"]),
        ] as [(String, Set<String>)])
    func parameters(script: String, reads: Set<String>) {
        #expect(VariableUse(PowerShellParser.parse(script)).reads == reads)
    }
}

@Suite("What scripts need of a session's variables", .timeLimit(.minutes(10)))
struct VariableNeedsTests {
    @Test(
        "is what nothing in them has set by then",
        arguments: [
            ("$x", ["x"]),
            ("$x = 1; $x", []),
            ("$x = $x + 1", ["x"]),
            ("$x += 1", ["x"]),
            ("$x++", ["x"]),
            ("\"a $x b $($y.Name)\"", ["x", "y"]),
            ("$users | ForEach-Object { $m = $_; $m.Name }", ["users"]),
            ("foreach ($u in $users) { $n = $u.Name; $n }", ["users"]),
            ("foreach ($u in $u) { $u }", ["u"]),
            ("if (-not $users) { $users = Get-Mailbox }; $users", []),
            ("if ($null -eq $users) { $users = Get-Mailbox } else { $users }", []),
            ("if ($users) { Remove-Mailbox $users }", ["users"]),
            ("if ($global:t) { $t.Expires } else { if (1) { $global:t = Get-Mailbox } }; $t", []),
            ("function Get-T { $global:t = 1 }; if ($t) { Set-Mailbox $t } else { Get-T }; $t", []),
            ("if ($t) { Set-Mailbox $t }; function f { $t = 1 }", ["t"]),
            ("while (-not $t) { $t = Get-Mailbox; Set-Mailbox $t }", []),
            ("$all += Get-Mailbox; $all; $all = @()", []),
            ("Set-Mailbox $t; $t = 1", ["t"]),
            ("if ($t) { Set-Mailbox $t }; $t = $t.Next", ["t"]),
            ("$users ??= Get-Mailbox; $users", []),
            ("Get-Mailbox -OutVariable boxes; $boxes", []),
            ("Set-Variable x 1; $x", []),
            ("function f($a) { $a + $b }; f 1", ["b"]),
            ("function f { $c }; $c = 1; f", []),
            ("param($d) $d", []),
            ("& { param($e) $e } 1", []),
            ("$env:PATH; $true; $null; $_; $Error[0]; $PSVersionTable", []),
            ("1..3 | ForEach-Object -Parallel { $using:far }", ["far"]),
            ("$p = @{A = 1}; Set-Mailbox @p; Set-Mailbox @q", ["q"]),
            ("for ($i = 0; $i -lt 3; $i++) { $i }", []),
            ("$a, $b = 1, 2; $a; $b", []),
            ("[int]$n = 5; $n", []),
            ("try { $r = Get-Mailbox } catch { $e = $_ }; $r; $e", []),
            ("$GLOBAL:X; $script:Y", ["x", "y"]),
        ] as [(String, Set<String>)])
    func reads(script: String, reads: Set<String>) {
        #expect(ScriptReading(script).needs.reads == reads)
    }

    @Test("and they leave what they set outside of functions")
    func leaves() {
        let script =
            "$a = 1; function f { $b = 2 }; foreach ($c in 1) { $d = $c }; Get-Mailbox -ov e; $null = 3; $_ = 4"
        #expect(ScriptReading(script).needs.leaves == ["a", "c", "d", "e"])
    }

    @Test("a session that has them lets a script in, one that comes after it doesn't, until they are set or forgotten")
    func sessions() async throws {
        let all = SessionVariables()
        let key = SessionKey(connection: "Contoso", module: "exo")
        func admit(_ script: String, _ session: HeldVariables, process: Int32? = nil) async -> MMError? {
            do throws(MMError) {
                try await session.admit(ScriptReading(script).needs, process: process)
                return nil
            } catch {
                return error
            }
        }
        let first = HeldVariables(of: key, in: all)
        #expect(await admit("$never", first, process: 1) == nil)
        #expect(await admit("$a = 1; $b = 2", first, process: 1) == nil)
        #expect(await admit("$a + $b", first, process: 1) == nil)
        // The same session with another process has none of them.
        let error = await admit("$b; $a", first, process: 2)
        #expect(error?.code == .sessionLost && error?.details["lostVariables"] == ["a", "b"])
        #expect(error?.message.hasPrefix("$a, $b were set in a session of Contoso/exo that has ended") == true)
        let second = HeldVariables(of: key, in: all)
        #expect(await admit("$a", second)?.code == .sessionLost)
        #expect(await admit("$a = 3; $a", second) == nil)
        #expect(await admit("$a", second) == nil)
        #expect(await admit("$b", second)?.code == .sessionLost)
        let other = HeldVariables(of: SessionKey(connection: "Contoso", module: "azure"), in: all)
        #expect(await admit("$b", other) == nil)
        await all.forget(connection: "Contoso", module: "exo")
        #expect(await admit("$b", HeldVariables(of: key, in: all)) == nil)
    }

    @Test("the names outlive the process in a private file without values, which only new names write")
    func saved() async throws {
        let home = try TestHome()
        let file = home.paths.variablesFile()
        let key = SessionKey(connection: "Contoso", module: "exo")
        func process() -> SessionVariables {
            let all = SessionVariables()
            all.share(SavedVariableNames(path: file))
            return all
        }
        func isLost(_ script: String, _ session: HeldVariables) async -> Bool {
            do throws(MMError) {
                try await session.admit(ScriptReading(script).needs, process: nil)
                return false
            } catch {
                return error.code == .sessionLost
            }
        }
        let first = HeldVariables(of: key, in: process())
        #expect(await !isLost("$a = 'hidden'; $b = 2", first))
        let written = try #require(try ProtectedFile.read(file))
        #expect(!String(decoding: written, as: UTF8.self).contains("hidden"))
        let all = process()
        let second = HeldVariables(of: key, in: all)
        #expect(await isLost("$b", second))
        #expect(await !isLost("if (-not $b) { $b = 3 }; $b", second))
        #expect(await isLost("$a", second))
        #expect(await !isLost("$b", HeldVariables(of: SessionKey(connection: "Contoso", module: "azure"), in: all)))
        #expect(try ProtectedFile.read(file) == written)
        try ProtectedFile.remove(file)
        #expect(await !isLost("$b = 4; $b", second))
        #expect(try ProtectedFile.read(file) == nil)
        #expect(await !isLost("$c = 1", second))
        await all.forget(connection: "Contoso", module: "exo")
        #expect(await !isLost("$c", HeldVariables(of: key, in: process())))
    }

    @Test("saved names are forgotten a month after the last was added")
    func oldNames() async throws {
        let home = try TestHome()
        let file = home.paths.variablesFile()
        let key = SessionKey(connection: "Contoso", module: "exo")
        let start = Timestamp.now
        func names(afterDays days: Int64) -> SavedVariableNames {
            let time = Timestamp(seconds: start.seconds + days * 86_400)
            return SavedVariableNames(path: file, clock: WallClock { time })
        }
        try await names(afterDays: 0).add(["a"], to: key)
        try await names(afterDays: 20).add(["a"], to: key)
        #expect(try await names(afterDays: 40).known(["a", "b"], of: key) == ["a"])
        #expect(try await names(afterDays: 51).known(["a"], of: key).isEmpty)
    }
}
