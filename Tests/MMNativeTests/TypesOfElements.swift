import MMCore
import Testing

@testable import MMNative

@Suite("The types of the elements of collections", .timeLimit(.minutes(5)))
struct TypesOfElements: RunningReports {
    private static let list = "[System.Collections.Generic.List"
    private static let table = "[System.Collections.Generic.Dictionary"

    @Test(
        "convert what is put into a collection",
        arguments: [
            ("$l = \(list)[int]]@(1, 2); $l[0] = '5'; $l[0] + 1", ["6"]),
            ("$l = \(list)[string]]@('a'); $l[0] = 5; $l[0].GetType().Name", ["String"]),
            ("$d = \(table)[string,int]]::new(); $d['a'] = '7'; $d['a'] + 1", ["8"]),
            ("$d = \(table)[string,int]]::new(); $d.Add('a', '5'); $d['a'].GetType().Name", ["Int32"]),
            ("$d = New-Object 'System.Collections.Generic.Dictionary[string,int]'; $d.a = '5'; $d.a + 1", ["6"]),
            ("$d = \(table)[string,string]]::new(); $d['a'] = 7; $d['a'].GetType().Name", ["String"]),
            ("$d = \(table)[string,bool]]::new(); $d['a'] = 1; $d['a']", ["True"]),
            ("$d = \(table)[string,object]]::new(); $d['a'] = '7'; $d['a'] + 1", ["71"]),
            ("$d = \(table)[string,int]]::new(); $v = 9; $d.TryGetValue('x', [ref]$v); $v", ["False", "0"]),
            (
                "$d = \(table)[string,\(list.dropFirst())[string]]]::new(); $d['a'] = \(list)[string]]::new(); "
                    + "$d['a'].Add('x'); $d['a'].Count", ["1"]
            ),
            ("$l = \(list)[int]]@(1, 2, 3); $l.GetType().Name", ["List`1"]),
            ("$a = 1, 2; $a[0] = 'x'; $a[0]; $a.GetType().Name; $a -is [object[]]", ["x", "Object[]", "True"]),
            ("$x = [int[]](1, 2); $x[0] = 7; $x[0]; $a = @('x', 1); $a[1] = 'y'; $a[1]", ["7", "y"]),
            (
                "$p = 'a b' -split ' '; $p -is [object[]]; $p -is [array]; @('x', 1).GetType().Name",
                ["True", "True", "Object[]"]
            ),
            ("$p = 'a b' -split ' '; $p[0] = 'c'; $p -join ','", ["c,b"]),
            ("[pscustomobject]@{a = 1, 2} | ConvertTo-Csv | select -Last 1", ["\"System.Object[]\""]),
        ])
    func converted(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "are handed over where they would be seen and aren't certain",
        arguments: [
            "$d = \(table)[string,int]]::new(); $d['a'] = 'x'", "$d = \(table)[int,string]]::new(); $d['1'] = 'x'",
            "$l = \(list)[int]]@(1, 2); $l[0] = 'abc'", "$x = [int[]](1, 2); $x[0] = 'abc'",
            "$x = [int[]](1, 2); $x[0] = 2.7", "[int[]](1, 2) -is [object[]]", "'abc'.ToCharArray() -is [object[]]",
            "('a b' -split ' ').GetType().Name", "('a b'.Split(' ')).GetType().Name",
            "'abc'.ToCharArray().GetType().Name",
            "(-split 'a b').GetType().Name", "function f([string[]]$x) { $x.GetType().Name }; f a, b",
            "@(('a b' -split ' '), 1) -join ','", "\"$([pscustomobject]@{a = 'x y' -split ' '})\"",
            "[pscustomobject]@{a = 'x y' -split ' '} | ConvertTo-Csv", "@{a = 1}.Keys.GetType().Name",
            "[pscustomobject]@{a = [int[]](1, 2)} | Export-Csv a.csv", "$l = \(list)[int]]@(1); $l.GetType().FullName",
        ])
    func uncertain(script: String) async {
        let end = await outcome(script)
        guard case .handedOver = end else {
            Issue.record("\(script) ran: \(end)")
            return
        }
    }
}
