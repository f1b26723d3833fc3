if (-not (Get-MgContext)) {
    Connect-MgGraph -TenantId "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01" -Scopes "Reports.Read.All"
}
$Report = @()
foreach ($Group in Get-MgGroup -All) {
    $Owners = Get-MgGroupOwner -GroupId $Group.Id
    if ($Owners.Count -eq 0) { $Report += $Group.DisplayName }
}
$Report | Out-File groups-without-owner.txt
Disconnect-MgGraph -ErrorAction SilentlyContinue
