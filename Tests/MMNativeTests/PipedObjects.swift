import MMCore
import Testing

@testable import MMNative

@Suite("Objects that are piped to functions", .timeLimit(.minutes(5)))
struct PipedObjects {
    private func result(_ script: String, _ engine: NativeEngine) async throws -> NativeResult {
        var session = NativeSession()
        guard case .completed(let result) = await engine.run(script, in: &session) else {
            throw MMError(.internalError, "\(script) did not run")
        }
        return result
    }

    private static let byName = "[Parameter(ValueFromPipelineByPropertyName)]"
    private static let both = "[Parameter(ValueFromPipeline, ValueFromPipelineByPropertyName)]"
    private static let whole = "[Parameter(ValueFromPipeline)]"

    @Test(
        "are bound one after another, and leave nothing behind",
        arguments: [
            (
                "function f { param(\(byName)[Alias('Nm')]$Name, \(byName)$Age) process { \"$Name/$Age\" } }; "
                    + "[pscustomobject]@{Nm='a';Age=1}, [pscustomobject]@{Name='b'} | f", ["a/1", "b/"]
            ),
            (
                "function f { param(\(whole)$o, \(byName)$Age = 7) process { \"$Age\" } }; "
                    + "[pscustomobject]@{Age=1}, [pscustomobject]@{z=2} | f", ["1", "7"]
            ),
            (
                "function f { param(\(both)$Name) process { \"[$Name]\" } }; 'x', [pscustomobject]@{Name='a'} | f",
                ["[x]", "[@{Name=a}]"]
            ),
            (
                "function f { param(\(both)[string]$Name) process { \"[$Name]\" } }; [pscustomobject]@{Name='a'} | f",
                ["[a]"]
            ),
            (
                "function f { param(\(both)[int]$N) process { $N } }; '5', [pscustomobject]@{N=6}, "
                    + "[pscustomobject]@{N='7'} | f", ["5", "6", "7"]
            ),
            ("function t(\(whole)[int]$n, \(byName)$Length) { process { $Length } }; 'abc' | t", ["3"]),
            ("function f { process { \"[$_]\" } }; 5 | % { f }", ["[]"]),
            ("function f { begin { return } process { $_ } }; 1..2 | f", ["1", "2"]),
        ])
    func bound(script: String, texts: [String]) async throws {
        for engine in [NativeEngine(), NativeEngine(host: NativeHost())] {
            let result = try await result(script, engine)
            #expect(result.objects.map(\.text) == texts)
            #expect(result.errors.isEmpty && result.failure == nil, "\(result.errors)")
        }
    }

    @Test(
        "are in the function's own variables",
        arguments: [
            ("function f { param(\(whole)$x, $y) process { $PSBoundParameters.Count } }; 1, 2 | f -y 2", ["2", "2"]),
            (
                "function f { param(\(whole)$x) begin { $PSBoundParameters.Count } process { } end { $x } }; 5, 6 | f",
                ["0", "6"]
            ),
            ("function f { process { \"$input\" } end { \"e$input\" } }; 1..2 | f", ["1", "2", "e"]),
            ("function f { \"$input\" }; 1..3 | f", ["1 2 3"]),
            ("function f { \"$input\" }; 1..2 | f; 3 | f; f", ["1 2", "3", ""]),
            ("function f { $input = 'q'; \"$input$input\" }; f", ["qq"]),
        ])
    func told(script: String, texts: [String]) async throws {
        let result = try await result(script, NativeEngine(host: NativeHost()))
        #expect(result.objects.map(\.text) == texts)
    }

    @Test(
        "are reported if they fit no parameter, and the others are processed",
        arguments: [
            (
                "function f { param(\(byName)$Name) process { \"[$Name]\" } }; [pscustomobject]@{Name='a'}, "
                    + "[pscustomobject]@{x=1} | f", ["[a]"], "InputObjectNotBound,f"
            ),
            (
                "function f { param(\(whole)[int]$n) process { $n } }; 1, 'a', 3 | f", ["1", "3"],
                "InputObjectNotBound,f"
            ),
            ("function f { [CmdletBinding()] param($n) process { 'no' } }; 1 | f", [], "InputObjectNotBound,f"),
            (
                "function f { param(\(whole)$o, [Parameter(Mandatory, ValueFromPipelineByPropertyName)]$Id) "
                    + "process { $Id } }; [pscustomobject]@{a=1}, [pscustomobject]@{Id=2} | f", ["2"],
                "InputObjectMissingMandatory,f"
            ),
            (
                "function f { param(\(byName)[int]$N) process { $N } }; [pscustomobject]@{N='x'}, "
                    + "[pscustomobject]@{N=2} | f", ["2"], "ParameterArgumentTransformationError,f"
            ),
            (
                "function f { param(\(whole)[ValidateRange(1, 2)][int]$n) process { $n } }; 1, 9, 2 | f", ["1", "2"],
                "ParameterArgumentValidationError,f"
            ),
        ])
    func unbound(script: String, texts: [String], id: String) async throws {
        let result = try await result(script, NativeEngine())
        #expect(result.objects.map(\.text) == texts)
        #expect(result.errors.map(\.id) == [id])
    }

    @Test(
        "are handed over where they decide more than a value",
        arguments: [
            "function f { param(\(whole)[pscustomobject]$h) process { $h.a } }; @{a=1} | f",
            "function f { [CmdletBinding(DefaultParameterSetName = 'A')] param([Parameter(ParameterSetName = 'A')]$x, "
                + "[Parameter(ParameterSetName = 'B', ValueFromPipeline)]$y) process { $y } }; 1 | f",
        ])
    func handedOver(script: String) async {
        var session = NativeSession()
        guard case .handedOver = await NativeEngine(host: NativeHost()).run(script, in: &session) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test("are bound to the parameters of the set that the call uses")
    func sets() async throws {
        let script =
            "function f { [CmdletBinding(DefaultParameterSetName = 'A')] param([Parameter(ParameterSetName = 'A')]$x, "
            + "\(Self.whole)$o, [Parameter(ParameterSetName = 'B', ValueFromPipelineByPropertyName)]$Length) "
            + "process { \"$x $o $Length\" } }; 'abc' | f -x 1"
        #expect(try await result(script, NativeEngine()).objects.map(\.text) == ["1 abc "])
    }

    @Test(
        "pass through all blocks before the next one follows",
        arguments: [
            ("$i = 0; function f { process { \"$i\" } }; 1..3 | % { $script:i++; $_ } | f", ["1", "2", "3"]),
            (
                "$l = @(); function f { begin { $script:l += 'b' } process { $script:l += \"p$_\" } end { $script:l += 'e' } }; "
                    + "1..2 | % { $script:l += \"u$_\"; $_ } | f; $l -join ' '", ["b u1 p1 u2 p2 e"]
            ),
            (
                "function a { begin { $script:l += 'a' } process { 1 } }; function b { begin { $script:l += 'b' } "
                    + "process { } }; $l = ''; a | b; $l", ["ab"]
            ),
            (
                "function a { begin { 0; $script:l += 'a' } process { 1 } }; function b { begin { $script:l += 'b' } "
                    + "process { $script:l += $_ } }; $l = ''; a | b; $l", ["b0a1"]
            ),
            ("$h = @{n=0}; function f { process { $h.n++; $_ } }; 1..5 | f | select -First 2 | Out-Null; $h.n", ["2"]),
            (
                "function f { process { $y = $_; $_ } end { \"y$y\" } }; $y = 9; 1..2 | f | % { \"$_ $y\" }",
                ["1 9", "2 9", "y2 9"]
            ),
        ])
    func interleaved(script: String, texts: [String]) async throws {
        for engine in [NativeEngine(), NativeEngine(host: NativeHost())] {
            #expect(try await result(script, engine).objects.map(\.text) == texts)
        }
    }
}
