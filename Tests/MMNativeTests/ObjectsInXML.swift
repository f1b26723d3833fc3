import Testing

/// `Export-Clixml`, `Import-Clixml` and `ConvertTo-Xml`.
@Suite("Objects in XML", .timeLimit(.minutes(5)))
struct ObjectsInXML: RunningReports {
    @Test("a file of objects is the one that PowerShell writes")
    func file() async throws {
        let script = """
            [pscustomobject]@{ a = 'x <_x'; b = 1; c = $null; d = $true; e = ''; f = @{ k = 1.5 }; g = @(1, 'z') },
            [pscustomobject]@{ a = "1`n2" } | Export-Clixml a.xml
            Get-Content a.xml
            """
        let expected = """
            <Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
              <Obj RefId="0">
                <TN RefId="0">
                  <T>System.Management.Automation.PSCustomObject</T>
                  <T>System.Object</T>
                </TN>
                <MS>
                  <S N="a">x &lt;_x005F_x</S>
                  <I32 N="b">1</I32>
                  <Nil N="c" />
                  <B N="d">true</B>
                  <S N="e" />
                  <Obj N="f" RefId="1">
                    <TN RefId="1">
                      <T>System.Collections.Hashtable</T>
                      <T>System.Object</T>
                    </TN>
                    <DCT>
                      <En>
                        <S N="Key">k</S>
                        <Db N="Value">1.5</Db>
                      </En>
                    </DCT>
                  </Obj>
                  <Obj N="g" RefId="2">
                    <TN RefId="2">
                      <T>System.Object[]</T>
                      <T>System.Array</T>
                      <T>System.Object</T>
                    </TN>
                    <LST>
                      <I32>1</I32>
                      <S>z</S>
                    </LST>
                  </Obj>
                </MS>
              </Obj>
              <Obj RefId="3">
                <TNRef RefId="0" />
                <MS>
                  <S N="a">1_x000A_2</S>
                </MS>
              </Obj>
            </Objs>
            """
        #expect(try await texts(script).joined(separator: "\n") == expected)
    }

    @Test(
        "values come back as they were",
        arguments: [
            "'text with ä, 日本 🎉 and _x000A_'", "\"two`r`nlines\"", "5", "5000000000", "1.25", "[decimal]'1.10'",
            "$true",
            "[char]'x'", "[guid]'5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01'", "[version]'1.2.3'",
            "[datetime]'2026-01-02T03:04:05'",
            "([datetime]'2026-01-02T03:04:05.678').ToUniversalTime()", "[timespan]'1.02:03:04.5'", "[timespan]::Zero",
            "[timespan]'-00:00:01'", "'  '", "[double]::PositiveInfinity", "''", "[byte]7",
            "'_ and __x'", "'a < b & c > d'",
        ])
    func plain(value: String) async throws {
        let script = """
            $v = \(value); $v, @($v) | Export-Clixml a.xml; $r = @(Import-Clixml a.xml)
            $r.Count; $r[0] -ceq $v; $r[0].GetType().FullName -eq $v.GetType().FullName; $r[1][0] -ceq $v
            """
        #expect(try await texts(script) == ["2", "True", "True", "True"])
    }

    @Test(
        "lists, tables and objects come back with their parts",
        arguments: [
            ("@{ a = 1; b = @{ c = 'x' } }", "\"$($r.a) $($r.b.c) $($r.GetType().Name)\"", "1 x Hashtable"),
            ("[ordered]@{ z = 1; a = 2 }", "$r.Keys -join ','", "z,a"),
            (
                "[pscustomobject]@{ n = 1; l = @('x', 'y'); o = [pscustomobject]@{ p = $null; q = 2 } }",
                "\"$r $($r.l -join '+') $($r.o.q) $($r.l.Count)\"", "@{n=1; l=System.Collections.ArrayList; o=} x+y 2 2"
            ),
            ("[pscustomobject]@{ d = [datetime]'2026-01-02' }", "$r.d.AddDays(1).ToString('yyyy-MM-dd')", "2026-01-03"),
            (
                "([pscustomobject]@{ n = 1; m = 2 } | Select-Object n)", "$r.PSObject.TypeNames[0]",
                "Deserialized.Selected.System.Management.Automation.PSCustomObject"
            ),
            ("$null", "$null -eq $r", "True"),
        ])
    func parts(value: String, look: String, expected: String) async throws {
        #expect(
            try await texts("$v = \(value); Export-Clixml a.xml -InputObject $v; $r = Import-Clixml a.xml; \(look)")
                == [expected])
    }

    @Test("an object in two places is one object again")
    func references() async throws {
        let script = """
            $o = [pscustomobject]@{ n = 1 }; [pscustomobject]@{ a = $o; b = $o } | Export-Clixml a.xml
            $r = Import-Clixml a.xml; $r.a.n = 5; $r.b.n; (Get-Content a.xml) -match '<Ref ' | % Trim
            """
        #expect(try await texts(script) == ["5", "<Ref N=\"b\" RefId=\"1\" />"])
    }

    @Test("a file that isn't there is an error, and one that is there can be kept")
    func errors() async throws {
        let script = """
            try { Import-Clixml no.xml -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }
            1 | Export-Clixml a.xml; try { 2 | Export-Clixml a.xml -NoClobber -ErrorAction Stop } catch { 'kept' }
            Import-Clixml a.xml
            """
        #expect(
            try await texts(script) == [
                "FileOpenFailure,Microsoft.PowerShell.Commands.ImportClixmlCommand", "kept", "1",
            ])
    }

    @Test(
        "objects become elements",
        arguments: [
            (
                "[pscustomobject]@{ a = 'x&y'; n = $null; l = @(1) } | ConvertTo-Xml -As String",
                """
                <?xml version="1.0" encoding="utf-8"?>
                <Objects>
                  <Object Type="System.Management.Automation.PSCustomObject">
                    <Property Name="a" Type="System.String">x&amp;y</Property>
                    <Property Name="n" Type="System.Object" />
                    <Property Name="l" Type="System.Object[]">
                      <Property Type="System.Int32">1</Property>
                    </Property>
                  </Object>
                </Objects>
                """
            ),
            (
                "(@{ k = 1 } | ConvertTo-Xml -NoTypeInformation -As Stream) -join \"`n\"",
                """
                <?xml version="1.0" encoding="utf-8"?>
                <Objects>
                <Object>
                  <Property Name="Key">k</Property>
                  <Property Name="Value">1</Property>
                </Object>
                </Objects>
                """
            ),
            ("(1, 2 | ConvertTo-Xml).Objects.Object.Count", "2"),
            (
                "([pscustomobject]@{ a = 'x' } | ConvertTo-Xml -NoTypeInformation).OuterXml",
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Objects><Object><Property Name=\"a\">x</Property></Object></Objects>"
            ),
            (
                "([pscustomobject]@{ o = [pscustomobject]@{ p = 1 } } | ConvertTo-Xml -NoTypeInformation).OuterXml",
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Objects><Object><Property Name=\"o\"><Property>@{p=1}</Property>"
                    + "<Property Name=\"p\">1</Property></Property></Object></Objects>"
            ),
            (
                "([pscustomobject]@{ o = [pscustomobject]@{ p = 1 } } | ConvertTo-Xml -NoTypeInformation -Depth 2).OuterXml",
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Objects><Object><Property Name=\"o\"><Property Name=\"p\">1"
                    + "</Property></Property></Object></Objects>"
            ),
        ])
    func elements(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected])
    }

    @Test(
        "leave to PowerShell what holds itself without end",
        arguments: [
            "$h = @{}; $h.a = $h; $h | ConvertTo-Xml", "$h = @{}; $h.a = $h, $h; $h | ConvertTo-Xml",
            "$l = [Collections.ArrayList]@(1); [void]$l.Add($l); [void]$l.Add($l); , $l | ConvertTo-Xml",
            "$l = [Collections.ArrayList]@(1); [void]$l.Add($l); [void]$l.Add($l); , $l | Export-Clixml a.xml",
        ])
    func circles(script: String) async { #expect(await refusal(script)?.hasSuffix("nested deeply") == true) }
}
