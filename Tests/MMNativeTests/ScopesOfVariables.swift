import MMCore
import Testing

@testable import MMNative

@Suite("Whose variable a name means", .timeLimit(.minutes(5)))
struct ScopesOfVariables {
    private func run(_ script: String, _ engine: NativeEngine) async throws -> [String] {
        var session = NativeSession()
        guard case .completed(let result) = await engine.run(script, in: &session) else {
            throw MMError(.internalError, "\(script) did not run")
        }
        #expect(result.errors.isEmpty && result.failure == nil, "\(script): \(result.errors)")
        return result.objects.map(\.text)
    }

    @Test(
        "some of PowerShell's own may be the script's as well",
        arguments: [
            ("$pwd = 5; $pwd", "5"), ("$LASTEXITCODE = 3; $LASTEXITCODE", "3"),
            ("function f($Pwd, $Profile) { \"$Pwd $Profile\" }; f 1 2", "1 2"),
            ("foreach ($pwd in 1, 2) { }; $pwd", "2"),
            (
                "$FormatEnumerationLimit = 1; ([pscustomobject]@{ a = 1, 2 } | Format-List | Out-String).Trim()",
                "a : {1…}"
            ),
            (
                "$global:FormatEnumerationLimit = -1; ([pscustomobject]@{ a = 1..6 } | Format-List | Out-String).Trim()",
                "a : {1, 2, 3, 4, 5, 6}"
            ),
            ("$FormatEnumerationLimit", "4"),
        ])
    func ownNames(script: String, output: String) async throws {
        #expect(try await run(script, NativeEngine(host: NativeHost())) == [output])
    }

    @Test(
        "a function's own variable keeps its value, even one that equals the script's",
        arguments: [
            ("$x = 1; function f { $x = 1; $script:x = 2; $x }; f; $x", ["1", "2"]),
            ("$x = 1; function f { $x = 1; $global:x = 2; $x }; f; $x", ["1", "2"]),
            ("$n = 'A'; function f($n) { $script:n = 'S'; $n }; f 'A'; $n", ["A", "S"]),
            ("$h = @{a=1}; function f { $h = @{a=1}; $script:h = @{a=3}; $h.a }; f; $h.a", ["1", "3"]),
            ("$x = 1; & { $x = 1; & { $script:x = 2 }; $x }; $x", ["1", "2"]),
            ("$x = 1; function f { g; $x }; function g { $script:x = 2 }; f", ["2"]),
            ("$x = 1; function f { $local:x }; f; 'end'", ["", "end"]),
            ("$a = @(1, 2); function f { $a[0] = 9 }; f; $a[0]", ["9"]),
            ("$n = 0; function f { $null = [int]::TryParse('5', [ref]$n) }; f; $n", ["5"]),
            ("$a = @(1); function f { $a += 2; $a.Count }; f; $a.Count", ["2", "1"]),
        ])
    func own(script: String, texts: [String]) async throws {
        #expect(try await run(script, NativeEngine()) == texts)
        #expect(try await run(script, NativeEngine(host: NativeHost())) == texts)
    }

    @Test(
        "a block with a scope of its own changes the script's variables only by their scope",
        arguments: [
            ("$script:n = 0; (1..3 | Select-Object @{n='Nr';e={$script:n++; $script:n}}).Nr -join ','", ["1,2,3"]),
            ("$i = 0; (1..3 | select @{n='Nr';e={$i++; $i}}).Nr -join ','; $i", ["1,1,1", "0"]),
            ("$c = 0; $null = 1..3 | Sort-Object { $script:c++; $_ }; $c", ["3"]),
            ("$c = 0; $null = 1..3 | Group-Object { $script:c++; $_ }; $c", ["3"]),
            ("$n = 0; switch (1, 2) { { $n++; $true } { } }; $n", ["0"]),
            ("$n = 0; switch (1, 2) { { $script:n++; $true } { } }; $n", ["2"]),
            ("function f { $y = 1; $null = 1 | select @{n='a';e={$y = 2}}; $y }; f", ["1"]),
        ])
    func blocks(script: String, texts: [String]) async throws {
        #expect(try await run(script, NativeEngine()) == texts)
        #expect(try await run(script, NativeEngine(host: NativeHost())) == texts)
    }

    @Test("what a function emits is processed in its caller's scope")
    func emitted() async throws {
        let script =
            "$x = 'outer'; $n = 0; function f { $x = 'inner'; 1..3 }; f | % { $n++; $x } | select -Last 1; $n; f | % { $f = $_ }; $f"
        #expect(try await run(script, NativeEngine()) == ["outer", "3", "3"])
    }

    @Test("a closure keeps what its function has set")
    func closures() async throws {
        let script = "function f { $y = 2; { $y }.GetNewClosure() }; $b = f; $y = 5; & $b"
        #expect(try await run(script, NativeEngine(host: NativeHost())) == ["2"])
    }
}
