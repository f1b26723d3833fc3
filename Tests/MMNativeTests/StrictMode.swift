import MMNative
import Testing

/// `Set-StrictMode`: what it makes an error, by version.
@Suite("Strict mode", .timeLimit(.minutes(5)))
struct StrictMode: RunningReports {
    private static let object = "$o = [pscustomobject]@{ a = 1; e = @() }; $h = @{ a = 1 }; $l = @(1, 2, 3); "

    private func error(_ expression: String, version: String) async throws -> [String] {
        try await texts(
            "Set-StrictMode -Version \(version); \(Self.object)try { $null = \(expression); 'fine' } "
                + "catch { $_.FullyQualifiedErrorId; $_.Exception.Message }")
    }

    @Test(
        "a property that a value doesn't have is an error from version 2 on",
        arguments: [
            "$o.x", "$h.x", "$l.x", "@().x", "@($o, [pscustomobject]@{ x = 1 }).x", "$null.x", "(5).x", "'text'.x",
            "(Get-Date).x", "@($o, $o)[0].x", "([xml]'<a/>').x", "($o | Select-Object a).x", "([ordered]@{ a = 1 }).x",
        ])
    func properties(expression: String) async throws {
        for version in ["2", "2.0", "3.0", "Latest"] {
            #expect(
                try await error(expression, version: version) == [
                    "PropertyNotFoundStrict",
                    "The property 'x' cannot be found on this object. Verify that the property exists.",
                ], "\(version)")
        }
        #expect(try await error(expression, version: "1.0") == ["fine"])
    }

    @Test(
        "a single value has no count",
        arguments: ["(5).Count", "$null.Count", "$o.Count", "(1 | select -First 1).Length"])
    func counts(expression: String) async throws {
        #expect(try await error(expression, version: "2").first == "PropertyNotFoundStrict")
        #expect(try await error(expression, version: "1") == ["fine"])
    }

    @Test(
        "what is there is no error",
        arguments: [
            "$o.a", "$o.A", "$h.a", "$h.Count", "$h.Keys", "$h['x']", "$l.Count", "$l.Length", "'text'.Length",
            "$l[-1]",
            "$l[0, 2]", "(5)[0]", "$o.PSObject.Properties.Name", "@($o, $o).a", "$o.PSObject.Properties['x']",
            "[Collections.Generic.List[int]]::new().Count", "$o.ToString()", "@($o, $o).Count", "$h['x']", "$env:NONE",
            "(@{ a = $null }).a", "$_", "$l | ? { $_ -gt 5 }", "$Matches", "$args.Count",
        ])
    func present(expression: String) async throws {
        #expect(try await error(expression, version: "Latest") == ["fine"])
    }

    @Test(
        "an index out of range is an error from version 3 on",
        arguments: [
            ("$l[3]", "System.IndexOutOfRangeException"), ("$l[-4]", "System.IndexOutOfRangeException"),
            ("$l[0, 5]", "System.IndexOutOfRangeException"), ("'ab'[2]", "System.IndexOutOfRangeException"),
            ("[Collections.Generic.List[int]]::new()[0]", "System.ArgumentOutOfRangeException"),
        ])
    func elements(expression: String, id: String) async throws {
        #expect(try await error(expression, version: "3.0").first == id)
        #expect(try await error(expression, version: "Latest").first == id)
        #expect(try await error(expression, version: "2.0") == ["fine"])
    }

    @Test("an index of what has no elements is an error from version 2 on")
    func noElements() async throws {
        #expect(
            try await error("(5)[1]", version: "2") == [
                "CannotIndex", "Unable to index into an object of type \"System.Int32\".",
            ])
    }

    @Test(
        "a variable that was never set is an error, wherever it is read",
        arguments: [
            ("$x", "x"), ("$script:x", "script:x"), ("$global:X", "global:X"), ("(& { $x })", "x"),
            ("(f)", "y"), ("$x++", "x"), ("($x += 1)", "x"),
        ])
    func variables(expression: String, shown: String) async throws {
        for version in ["1.0", "Latest"] {
            #expect(
                try await texts(
                    "Set-StrictMode -Version \(version); function f { param($p) $p; $y } "
                        + "try { \(expression) } catch { $_.FullyQualifiedErrorId; $_.Exception.Message }"
                ).suffix(2) == [
                    "VariableIsUndefined", "The variable '$\(shown)' cannot be retrieved because it has not been set.",
                ])
        }
    }

    @Test("version 1 allows unset variables in texts", arguments: [("1.0", "[]"), ("2.0", "VariableIsUndefined")])
    func textsWithVariables(version: String, expected: String) async throws {
        #expect(
            try await texts("Set-StrictMode -Version \(version); try { \"[$x]\" } catch { $_.FullyQualifiedErrorId }")
                == [expected])
    }

    @Test("a list that holds itself isn't searched for a property without end")
    func circles() async {
        let script = "Set-StrictMode -Version 2; $l = [Collections.ArrayList]@(); 1, 2 | % { [void]$l.Add($l) }; $l.Foo"
        #expect(await refusal(script) == "a property of lists within lists")
    }

    @Test("what a function asks for ends with it")
    func functions() async throws {
        let script = """
            function f { Set-StrictMode -Version 2; try { $x } catch { 'refused' } }
            f; "[$x]"; Set-StrictMode -Version 2; function g { Set-StrictMode -Off; "[$x]" }; g
            try { $x } catch { 'refused' }
            """
        #expect(try await texts(script) == ["refused", "[]", "[]", "refused"])
    }

    @Test("cmdlets report objects without the member that they are asked for, and go on")
    func cmdlets() async throws {
        let script = """
            Set-StrictMode -Version Latest; $ErrorActionPreference = 'SilentlyContinue'
            $l = [pscustomobject]@{ a = 1 }, [pscustomobject]@{ b = 2 }
            @($l | Where-Object a -eq 1).Count; $Error[0].FullyQualifiedErrorId; $Error[0].Exception.Message
            @($l | ForEach-Object b).Count; $Error[0].FullyQualifiedErrorId; $Error[0].Exception.Message
            @('ab' | ForEach-Object Length); @('ab' | ForEach-Object ToUpper); @('ab' | ForEach-Object Nope).Count
            Set-StrictMode -Off; @($l | ForEach-Object b).Count
            """
        let end = await outcome(script)
        guard case .completed(let result) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(
            result.objects.map(\.text) == [
                "1", "PropertyNotFound,Microsoft.PowerShell.Commands.WhereObjectCommand",
                "The input name \"a\" cannot be resolved to a property.", "1",
                "PropertyOrMethodNotFound,Microsoft.PowerShell.Commands.ForEachObjectCommand",
                "The input name \"b\" cannot be resolved to a member.", "2", "AB", "0", "2",
            ])
    }
}
