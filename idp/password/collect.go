package password

import (
	"runtime"
	"runtime/metrics"
)

const (
	much  = 8 << 20   // bytes of a hash that are worth a collection
	large = 128 << 20 // bytes of a heap beside which a hash is not much
	usual = 100       // GOGC unless the environment says otherwise
)

// collect takes the memory of a hash back before its lane is free again. The
// runtime alone would let a heap of some megabytes grow by several hashes first,
// so a morning's crowd would need three times what is in use at once. A
// collection costs as little as that heap is small; beside a large one the
// runtime's own pace is right. So it is for whoever has set GOGC higher: they give
// memory for time.
func (p Params) collect() {
	if int64(p.Memory)<<10 < much {
		return
	}
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(now)
	if live, pace := now[0].Value.Uint64(), now[1].Value.Uint64(); live < large && pace <= usual {
		runtime.GC()
	}
}
