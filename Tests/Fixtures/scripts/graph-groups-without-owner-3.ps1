$connect = @{
    TenantId = 'contoso-sandbox.example'
    Scopes   = 'User.Read.All', 'Organization.Read.All'
}
Connect-MgGraph @connect | Out-Null
$Report = @()
foreach ($Group in Get-MgGroup -All) {
    $Owners = Get-MgGroupOwner -GroupId $Group.Id
    if ($Owners.Count -eq 0) { $Report += $Group.DisplayName }
}
$Report | Out-File groups-without-owner.txt
Disconnect-MgGraph | Out-Null
