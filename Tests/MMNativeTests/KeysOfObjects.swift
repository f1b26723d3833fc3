import Testing

/// Calculated keys, and what counts as equal where whole objects are compared.
@Suite("Keys of objects", .timeLimit(.minutes(5)))
struct KeysOfObjects: RunningReports {
    private static let rows = "$r = 1..4 | % { [pscustomobject]@{ n = $_; m = $_ % 2; t = @('x', 'y')[$_ % 2] } }; "

    @Test(
        "calculated keys",
        arguments: [
            ("($r | sort @{ e = { -$_.n } } | % n) -join ','", ["4,3,2,1"]),
            (
                "($r | sort @{ Expression = 'm'; Descending = $true }, @{ e = 'n'; Descending = $true } | % n) -join ','",
                ["3,1,4,2"]
            ),
            ("($r | sort { $_.m }, { -$_.n } | % n) -join ','", ["4,2,3,1"]),
            ("$r | group @{ e = { $_.n -gt 1 } } | % { \"$($_.Name) $($_.Count)\" }", ["False 1", "True 3"]),
            ("$r | group { $_.m } | % { \"$($_.Name) $($_.Count)\" }", ["0 2", "1 2"]),
            ("($r | measure { $_.n * 2 } -Sum).Sum; ($r | measure { $_.n * 2 } -Sum).Property", ["20", " $_.n * 2 "]),
            ("$r | measure n, m -Sum | % { \"$($_.Property)=$($_.Sum)\" }", ["n=10", "m=2"]),
            ("$r | select n, m | measure * -Maximum | % { \"$($_.Property)=$($_.Maximum)\" }", ["n=4", "m=1"]),
            ("($r | measure n, N -Sum).Sum; ($r | measure n*, n -Sum).Sum", ["10", "10"]),
            ("($r | measure { throw 'x' } -Sum).Count", ["4"]),
        ] as [(String, [String])])
    func calculated(script: String, expected: [String]) async throws {
        #expect(try await texts(Self.rows + script) == expected)
    }

    @Test(
        "a table's key comes before its members",
        arguments: [
            ("@{ a = 1; b = 2 } | select Count | % Count", ["2"]), ("(@{ a = 1 } | select keys).Keys", ["a"]),
            ("(@{ a = 1 } | select a, Values | % Values)", ["1"]), ("(@{ Count = 7 } | select count).Count", ["7"]),
            ("$null -eq (@{ a = 1 } | select c).c", ["True"]),
        ] as [(String, [String])])
    func members(script: String, expected: [String]) async throws { #expect(try await texts(script) == expected) }

    @Test(
        "a key has no name",
        arguments: [
            (
                "$r | sort @{ n = 'x'; e = { $_.n } }",
                "DictionaryKeyIllegal,Microsoft.PowerShell.Commands.SortObjectCommand"
            ),
            (
                "$r | group @{ Name = 'x'; e = 'n' }",
                "DictionaryKeyIllegal,Microsoft.PowerShell.Commands.GroupObjectCommand"
            ),
            (
                "$r | measure @{ e = 'n' }",
                "CannotConvertArgumentNoMessage,Microsoft.PowerShell.Commands.MeasureObjectCommand"
            ),
        ])
    func names(script: String, id: String) async throws {
        #expect(try await texts(Self.rows + "try { \(script) } catch { $_.FullyQualifiedErrorId }") == [id])
    }

    @Test(
        "whole custom objects count as equal, selected ones by their properties",
        arguments: [
            ("@($r | select -Unique).Count; @($r | sort -Unique).Count; @($r | Get-Unique).Count", ["1", "1", "1"]),
            ("@($r | select m -Unique).Count; @($r | select m, t -Unique).Count", ["2", "2"]),
            ("@($r | sort m -Unique | % n).Count; @($r | sort { $_.n % 3 } -Unique).Count", ["2", "3"]),
            ("@($r | Get-Unique -AsString).Count; @($r | Get-Unique -OnType).Count", ["4", "1"]),
            ("@(1, 1, 'a' | Get-Unique -OnType).Count; (1, 1, 2, 1 | gu) -join ','", ["2", "1,2,1"]),
            ("('a', 'A', 'b' | gu -AsString) -join ','; ('a', 'A' | gu -CaseInsensitive) -join ','", ["a,A,b", "a"]),
            (
                "$l = [pscustomobject]@{ a = @(1, 2) }, [pscustomobject]@{ a = @(1, 2) }, [pscustomobject]@{ a = @(2) }; "
                    + "@($l | select a -Unique).Count; @($l | sort a -Unique).Count", ["2", "2"]
            ),
            (
                "@(@{ a = 1 }, @{ a = 2 } | select -Unique).Count; @($r[0], 'a', 'a' | select -Unique).Count",
                ["1", "2"]
            ),
            (
                "@([pscustomobject]@{ a = 'x', 'y' }, [pscustomobject]@{ a = 'z' }, [pscustomobject]@{ a = 'x', 'y' } "
                    + "| ? { $_.a.Count -gt 1 } | group a) | % { \"$($_.Name) $($_.Count)\" }", ["{x, y} 2"]
            ),
        ] as [(String, [String])])
    func unique(script: String, expected: [String]) async throws {
        #expect(try await texts(Self.rows + script) == expected)
    }

    @Test(
        "different lists, which PowerShell puts into one group, and the lists of a block are left to it",
        arguments: [
            "[pscustomobject]@{ a = 'x', 'y' }, [pscustomobject]@{ a = 'z', 'y' } | group a | % Count",
            "('x', 'y'), ('z', 'y') | group | % Count",
            "[pscustomobject]@{ a = 'x', 'y' }, [pscustomobject]@{ a = 'x', 'y' } | group { $_.a } | % Name",
        ])
    func lists(script: String) async throws {
        #expect(await refusal(script) != nil, "\(script)")
    }
}
