; Made by tools/build_kernels.py from kernels_scene.py. Do not edit.
; numba 0.68.1, llvmlite 0.50.0
define void @keep_points(ptr readonly %0, i64 %1, i64 %2, ptr readonly %3, ptr writeonly %4, ptr writeonly %5) {
entry:
  %.11172.not.i = icmp slt i64 %1, 1
  br i1 %.11172.not.i, label %exit, label %B78.if.lr.ph.i

B78.if.lr.ph.i:
  %.195.i = getelementptr i8, ptr %3, i64 4
  %.204.i = getelementptr i8, ptr %3, i64 8
  %.213.i = getelementptr i8, ptr %3, i64 12
  %.222.i = getelementptr i8, ptr %3, i64 16
  %.231.i = getelementptr i8, ptr %3, i64 20
  br label %B78.if.i

B184.i:
  %.196.i = load float, ptr %.195.i, align 4
  %.198.i = fcmp ult float %.168.i, %.196.i
  br i1 %.198.i, label %B422.i, label %B208.i

B208.i:
  %.205.i = load float, ptr %.204.i, align 4
  %.207.i = fcmp ult float %.175.i, %.205.i
  br i1 %.207.i, label %B422.i, label %B232.i

B232.i:
  %.214.i = load float, ptr %.213.i, align 4
  %.216.i = fcmp ugt float %.161.i, %.214.i
  br i1 %.216.i, label %B422.i, label %B256.i

B256.i:
  %.223.i = load float, ptr %.222.i, align 4
  %.225.i = fcmp ugt float %.168.i, %.223.i
  br i1 %.225.i, label %B422.i, label %B280.i

B280.i:
  %.232.i = load float, ptr %.231.i, align 4
  %.234.i = fcmp ugt float %.175.i, %.232.i
  br i1 %.234.i, label %B422.i, label %B304.i

B304.i:
  %.240.i = fcmp une float %.161.i, 0.000000e+00
  %.244.i = fcmp une float %.168.i, 0.000000e+00
  %or.cond.i = select i1 %.240.i, i1 true, i1 %.244.i
  %.251.i = fcmp une float %.175.i, 0.000000e+00
  %or.cond71.i = select i1 %or.cond.i, i1 true, i1 %.251.i
  br i1 %or.cond71.i, label %B340.i, label %B422.i

B340.i:
  %.256.i = getelementptr i64, ptr %4, i64 %count.2.075.i
  store i64 %.53.073.i, ptr %.256.i, align 8
  %.264.idx.i = mul i64 %count.2.075.i, 12
  %.264.i = getelementptr i8, ptr %5, i64 %.264.idx.i
  store float %.161.i, ptr %.264.i, align 4
  %.273.i = getelementptr i8, ptr %.264.i, i64 4
  store float %.168.i, ptr %.273.i, align 4
  %.282.i = getelementptr i8, ptr %.264.i, i64 8
  store float %.175.i, ptr %.282.i, align 4
  %.287.i = add nsw i64 %count.2.075.i, 1
  br label %B422.i

B422.i:
  %count.3.2.i = phi i64 [ %.287.i, %B340.i ], [ %count.2.075.i, %B304.i ], [ %count.2.075.i, %B280.i ], [ %count.2.075.i, %B256.i ], [ %count.2.075.i, %B232.i ], [ %count.2.075.i, %B208.i ], [ %count.2.075.i, %B184.i ], [ %count.2.075.i, %B78.if.i ]
  %exitcond.not.i = icmp eq i64 %.124.i, %1
  br i1 %exitcond.not.i, label %exit, label %B78.if.i

B78.if.i:
  %count.2.075.i = phi i64 [ 0, %B78.if.lr.ph.i ], [ %count.3.2.i, %B422.i ]
  %.53.073.i = phi i64 [ 0, %B78.if.lr.ph.i ], [ %.124.i, %B422.i ]
  %.124.i = add nsw i64 %.53.073.i, 1
  %.158.i = mul nsw i64 %.53.073.i, %2
  %.160.i = getelementptr float, ptr %0, i64 %.158.i
  %.161.i = load float, ptr %.160.i, align 4
  %.167.i = getelementptr i8, ptr %.160.i, i64 4
  %.168.i = load float, ptr %.167.i, align 4
  %.174.i = getelementptr i8, ptr %.160.i, i64 8
  %.175.i = load float, ptr %.174.i, align 4
  %.187.i = load float, ptr %3, align 4
  %.189.i = fcmp ult float %.161.i, %.187.i
  br i1 %.189.i, label %B422.i, label %B184.i

exit:
  %count.2.0.lcssa.i = phi i64 [ 0, %entry ], [ %count.3.2.i, %B422.i ]
  %.324.i = getelementptr i64, ptr %4, i64 %1
  store i64 %count.2.0.lcssa.i, ptr %.324.i, align 8
  ret void
}

define void @number_voxels(ptr readonly %0, i64 %1, double %2, double %3, ptr %4, i64 %5, ptr writeonly %6, ptr %7) {
entry:
  %notmask.i = shl nsw i64 -1, %5
  %.30.i = xor i64 %notmask.i, -1
  %.120100.not.i = icmp slt i64 %1, 1
  br i1 %.120100.not.i, label %exit, label %B56.if.lr.ph.i

B56.if.lr.ph.i:
  %.210.i = fmul double %3, %3
  %.231.i = fmul double %2, %3
  %.401.i = sub nsw i64 63, %5
  br label %B56.if.i

B444.i:
  %stretch.2.1.i = phi double [ %.256.i, %for.end.i ], [ %2, %B56.if.i ]
  %.264.i = fmul double %stretch.2.1.i, %.166.i
  %.274.le.i = tail call double @llvm.floor.f64(double %.264.i)
  %.5.i.i = fptosi double %.274.le.i to i64
  %.303.i = shl i64 %.5.i.i, 42
  %.305.i = add i64 %.303.i, 4611686018427387904
  %.308.i = fmul double %stretch.2.1.i, %.173.i
  %.318.le.i = tail call double @llvm.floor.f64(double %.308.i)
  %.5.i92.i = fptosi double %.318.le.i to i64
  %.347.i = shl i64 %.5.i92.i, 21
  %.348.i = add i64 %.347.i, 2199023255552
  %.352.i = fmul double %stretch.2.1.i, %.180.i
  %.364.le.i = tail call double @llvm.floor.f64(double %.352.i)
  %.5.i93.i = fptosi double %.364.le.i to i64
  %.393.i = add nsw i64 %.5.i93.i, 1048576
  %.349.i = or i64 %.305.i, %.393.i
  %.394.i = or i64 %.349.i, %.348.i
  %.399.i = mul nsw i64 %.394.i, 2177342782468422677
  %.402.i = ashr i64 %.399.i, %.401.i
  %.404.i = and i64 %.402.i, %.30.i
  %.414.i = getelementptr i64, ptr %4, i64 %.404.i
  %.415.i = load i64, ptr %.414.i, align 8
  %.416.i = icmp sgt i64 %.415.i, -1
  br i1 %.416.i, label %B820.i, label %B956.i

B820.i:
  %.432.i = getelementptr i64, ptr %7, i64 %.415.i
  %.433.i = load i64, ptr %.432.i, align 8
  %.435.not.i = icmp eq i64 %.433.i, %.394.i
  br i1 %.435.not.i, label %B986.i, label %B856.i

B856.i:
  %slot.2.1.i = phi i64 [ %.445.i, %B896.i ], [ %.404.i, %B820.i ]
  %.441.i = add nsw i64 %slot.2.1.i, 1
  %.445.i = and i64 %.441.i, %.30.i
  %.454.i = getelementptr i64, ptr %4, i64 %.445.i
  %.455.i = load i64, ptr %.454.i, align 8
  %.456.i = icmp sgt i64 %.455.i, -1
  br i1 %.456.i, label %B896.i, label %B956.i

B896.i:
  %.471.i = getelementptr i64, ptr %7, i64 %.455.i
  %.472.i = load i64, ptr %.471.i, align 8
  %.474.not.i = icmp eq i64 %.472.i, %.394.i
  br i1 %.474.not.i, label %B986.i, label %B856.i

B956.i:
  %slot.3.2.ph.i = phi i64 [ %.404.i, %B444.i ], [ %.445.i, %B856.i ]
  %.493.i = getelementptr i64, ptr %4, i64 %slot.3.2.ph.i
  store i64 %count.2.0103.i, ptr %.493.i, align 8
  %.505.i = getelementptr i64, ptr %7, i64 %count.2.0103.i
  store i64 %.394.i, ptr %.505.i, align 8
  %.510.i = add nsw i64 %count.2.0103.i, 1
  %.526.pre.i = load i64, ptr %.493.i, align 8
  br label %B986.i

B986.i:
  %.526.i = phi i64 [ %.526.pre.i, %B956.i ], [ %.415.i, %B820.i ], [ %.455.i, %B896.i ]
  %count.3.1.i = phi i64 [ %.510.i, %B956.i ], [ %count.2.0103.i, %B820.i ], [ %count.2.0103.i, %B896.i ]
  %.531.i = getelementptr i64, ptr %6, i64 %.61.0102.i
  store i64 %.526.i, ptr %.531.i, align 8
  %exitcond.not.i = icmp eq i64 %.133.i, %1
  br i1 %exitcond.not.i, label %exit, label %B56.if.i

B56.if.i:
  %count.2.0103.i = phi i64 [ 0, %B56.if.lr.ph.i ], [ %count.3.1.i, %B986.i ]
  %.61.0102.i = phi i64 [ 0, %B56.if.lr.ph.i ], [ %.133.i, %B986.i ]
  %.133.i = add nsw i64 %.61.0102.i, 1
  %.164.idx.i = mul i64 %.61.0102.i, 12
  %.164.i = getelementptr i8, ptr %0, i64 %.164.idx.i
  %.165.i = load float, ptr %.164.i, align 4
  %.166.i = fpext float %.165.i to double
  %.171.i = getelementptr i8, ptr %.164.i, i64 4
  %.172.i = load float, ptr %.171.i, align 4
  %.173.i = fpext float %.172.i to double
  %.178.i = getelementptr i8, ptr %.164.i, i64 8
  %.179.i = load float, ptr %.178.i, align 4
  %.180.i = fpext float %.179.i to double
  %.196.i = fmul double %.166.i, %.166.i
  %.199.i = fmul double %.173.i, %.173.i
  %.200.i = fadd double %.196.i, %.199.i
  %.203.i = fmul double %.180.i, %.180.i
  %.204.i = fadd double %.200.i, %.203.i
  %.212.i = fcmp ogt double %.204.i, %.210.i
  br i1 %.212.i, label %for.end.i, label %B444.i

for.end.i:
  %sqrt.le.i = tail call double @llvm.sqrt.f64(double %.204.i)
  %.236.i = fdiv double %3, %sqrt.le.i
  %.237.i = tail call double @llvm.fabs.f64(double %.236.i)
  %sqrt94.le.i = tail call double @llvm.sqrt.f64(double %.237.i)
  %.250.i = fmul double %sqrt94.le.i, 2.000000e+00
  %.251.i = fsub double 3.000000e+00, %.250.i
  %.252.i = fmul double %.231.i, %.251.i
  %.256.i = fdiv double %.252.i, %sqrt.le.i
  br label %B444.i

exit:
  %count.2.0.lcssa.i = phi i64 [ 0, %entry ], [ %count.3.1.i, %B986.i ]
  %.557.i = getelementptr i64, ptr %7, i64 %1
  store i64 %count.2.0.lcssa.i, ptr %.557.i, align 8
  ret void
}

declare double @llvm.fabs.f64(double)

declare double @llvm.floor.f64(double)

define void @sum_voxels(ptr readonly %0, i64 %1, ptr readonly %2, ptr %3, ptr %4, ptr %5) {
entry:
  %.10182.not.i = icmp slt i64 %1, 1
  br i1 %.10182.not.i, label %exit, label %B34.if.i

B34.loopexit.i:
  %.114.i = add nsw i64 %.43.084.i, 1
  %exitcond85.not.i = icmp eq i64 %1, %.114.i
  br i1 %exitcond85.not.i, label %exit, label %B34.if.i

B34.if.i:
  %.43.084.i = phi i64 [ %.114.i, %B34.loopexit.i ], [ 0, %entry ]
  %.144.i = getelementptr i64, ptr %3, i64 %.43.084.i
  %.145.i = load i64, ptr %.144.i, align 8
  %.147.i = getelementptr i64, ptr %2, i64 %.145.i
  %.148.i = load i64, ptr %.147.i, align 8
  store i64 %.148.i, ptr %.144.i, align 8
  %.159.i = getelementptr i64, ptr %4, i64 %.148.i
  %.160.i = load i64, ptr %.159.i, align 8
  %.161.i = add nsw i64 %.160.i, 1
  store i64 %.161.i, ptr %.159.i, align 8
  %.idx.i = mul i64 %.148.i, 24
  %6 = getelementptr i8, ptr %5, i64 %.idx.i
  %.idx78.i = mul i64 %.43.084.i, 12
  %7 = getelementptr i8, ptr %0, i64 %.idx78.i
  br label %B138.if.i

B138.if.i:
  %.189.080.i = phi i64 [ 0, %B34.if.i ], [ %.258.i, %B138.if.i ]
  %.258.i = add nsw i64 %.189.080.i, 1
  %.287.i = getelementptr i64, ptr %6, i64 %.189.080.i
  %.288.i = load i64, ptr %.287.i, align 8
  %.293.i = getelementptr float, ptr %7, i64 %.189.080.i
  %.294.i = load float, ptr %.293.i, align 4
  %.295.i = fpext float %.294.i to double
  %.297.i = fmul double %.295.i, 0x4130000000000000
  %.298.i = fadd double %.297.i, 5.000000e-01
  %.306.le.i = tail call double @llvm.floor.f64(double %.298.i)
  %.5.i.i = fptosi double %.306.le.i to i64
  %.335.i = add nsw i64 %.288.i, %.5.i.i
  store i64 %.335.i, ptr %.287.i, align 8
  %exitcond.not.i = icmp eq i64 %.258.i, 3
  br i1 %exitcond.not.i, label %B34.loopexit.i, label %B138.if.i

exit:
  ret void
}

define void @link_voxels(ptr readonly %0, i64 %1, ptr writeonly %2) {
entry:
  %.269151.not.i = icmp slt i64 %1, 1
  %3 = add i64 %1, -1
  br label %B36.if.i

B34.loopexit.i:
  %exitcond160.not.i = icmp eq i64 %.108.i, 5
  br i1 %exitcond160.not.i, label %exit, label %B36.if.i

B234.i:
  %.336.i = getelementptr i64, ptr %0, i64 %other.2.1154.i
  %.337.i = load i64, ptr %.336.i, align 8
  %.341.i = add nsw i64 %.319.i, -1
  %.342.i = icmp slt i64 %.337.i, %.341.i
  br i1 %.342.i, label %B264.i, label %B316.i

B264.i:
  %other.4.2.i = phi i64 [ %.348.i, %B286.i ], [ %other.2.1154.i, %B234.i ]
  %exitcond.not.i = icmp eq i64 %other.4.2.i, %3
  br i1 %exitcond.not.i, label %B628.i, label %B286.i

B286.i:
  %.348.i = add nsw i64 %other.4.2.i, 1
  %.369.i = getelementptr i64, ptr %0, i64 %.348.i
  %.370.i = load i64, ptr %.369.i, align 8
  %.375.i = icmp slt i64 %.370.i, %.341.i
  br i1 %.375.i, label %B264.i, label %B316.i

B316.i:
  %other.3.3.i = phi i64 [ %other.2.1154.i, %B234.i ], [ %other.2.1154.i, %B196.if.i ], [ %.348.i, %B286.i ]
  %.394.i = icmp slt i64 %other.3.3.i, %1
  br i1 %.394.i, label %B332.i, label %B628.i

B332.i:
  %.402.i = getelementptr i64, ptr %0, i64 %other.3.3.i
  %.403.i = load i64, ptr %.402.i, align 8
  %.407.i = add nsw i64 %.319.i, 1
  %.408.not.i = icmp sgt i64 %.403.i, %.407.i
  br i1 %.408.not.i, label %B628.i, label %B362.preheader.i

B362.preheader.i:
  %.idx.i = mul i64 %.213.0152.i, 104
  %4 = getelementptr i8, ptr %2, i64 %.idx.i
  %.442.i = trunc i64 %.213.0152.i to i32
  br label %B362.i

B362.i:
  %.416.i = phi i64 [ %.471.i, %B598.i ], [ %.403.i, %B362.preheader.i ]
  %at.2.2.i = phi i64 [ %.455.i, %B598.i ], [ %other.3.3.i, %B362.preheader.i ]
  %.418.i = sub nsw i64 %.416.i, %.319.i
  %.426.i = icmp sgt i64 %.418.i, 0
  %or.cond.i = select i1 %.423.i, i1 true, i1 %.426.i
  br i1 %or.cond.i, label %B408.i, label %B576.i

B408.i:
  %.430.i = add nsw i64 %.173.i, %.418.i
  %.434.i = trunc i64 %at.2.2.i to i32
  %.439.i = getelementptr i32, ptr %4, i64 %.430.i
  store i32 %.434.i, ptr %.439.i, align 4
  %.444.i = mul nsw i64 %at.2.2.i, 26
  %.446.i = add nsw i64 %.444.i, 25
  %.447.i = sub i64 %.446.i, %.430.i
  %.449.i = getelementptr i32, ptr %2, i64 %.447.i
  store i32 %.442.i, ptr %.449.i, align 4
  br label %B576.i

B576.i:
  %exitcond158.not.i = icmp eq i64 %at.2.2.i, %3
  br i1 %exitcond158.not.i, label %B628.i, label %B598.i

B598.i:
  %.455.i = add i64 %at.2.2.i, 1
  %.470.i = getelementptr i64, ptr %0, i64 %.455.i
  %.471.i = load i64, ptr %.470.i, align 8
  %.476.not.i = icmp sgt i64 %.471.i, %.407.i
  br i1 %.476.not.i, label %B628.i, label %B362.i

B628.i:
  %other.3.3164.i = phi i64 [ %other.3.3.i, %B598.i ], [ %other.3.3.i, %B316.i ], [ %other.3.3.i, %B332.i ], [ %other.3.3.i, %B576.i ], [ %1, %B264.i ]
  %exitcond159.not.i = icmp eq i64 %1, %.282.i
  br i1 %exitcond159.not.i, label %B34.loopexit.i, label %B196.if.i

B36.if.i:
  %.36.0155.i = phi i64 [ 0, %entry ], [ %.108.i, %B34.loopexit.i ]
  %.108.i = add nsw i64 %.36.0155.i, 1
  %.137.i = icmp ugt i64 %.36.0155.i, 1
  %.156.i = add nsw i64 %.36.0155.i, -3
  %"$phi84.1.2.1.i" = select i1 %.137.i, i64 %.156.i, i64 %.36.0155.i
  %5 = select i1 %.137.i, i64 4398046511104, i64 0
  %6 = shl i64 %"$phi84.1.2.1.i", 21
  %.182.i = add i64 %6, %5
  br i1 %.269151.not.i, label %B34.loopexit.i, label %B196.if.lr.ph.i

B196.if.lr.ph.i:
  %7 = mul i64 %"$phi84.1.2.1.i", 3
  %.423.i = icmp ne i64 %.36.0155.i, 0
  %.172.i = select i1 %.137.i, i64 21, i64 12
  %.173.i = add i64 %7, %.172.i
  br label %B196.if.i

B196.if.i:
  %other.2.1154.i = phi i64 [ 0, %B196.if.lr.ph.i ], [ %other.3.3164.i, %B628.i ]
  %.213.0152.i = phi i64 [ 0, %B196.if.lr.ph.i ], [ %.282.i, %B628.i ]
  %.282.i = add nsw i64 %.213.0152.i, 1
  %.316.i = getelementptr i64, ptr %0, i64 %.213.0152.i
  %.317.i = load i64, ptr %.316.i, align 8
  %.319.i = add nsw i64 %.182.i, %.317.i
  %.325.i = icmp slt i64 %other.2.1154.i, %1
  br i1 %.325.i, label %B234.i, label %B316.i

exit:
  ret void
}

define void @join_linked(ptr readonly %0, i64 %1, ptr %2) {
entry:
  %.95148.not.i = icmp slt i64 %1, 1
  br i1 %.95148.not.i, label %exit, label %B34.if.i

B34.loopexit.i:
  %.108.i = add nsw i64 %.37.0150.i, 1
  %exitcond154.not.i = icmp eq i64 %1, %.108.i
  br i1 %exitcond154.not.i, label %B478.if.i, label %B34.if.i

B182.i:
  %.353.i = getelementptr i64, ptr %2, i64 %.332.i
  %.354.i = load i64, ptr %.353.i, align 8
  %.357.not.i = icmp eq i64 %.354.i, %.332.i
  br i1 %.357.not.i, label %B280.i, label %B206.i

B206.i:
  %.364.i = phi i64 [ %.382.i, %B206.i ], [ %.354.i, %B182.i ]
  %a.2.2.i = phi i64 [ %.367.i, %B206.i ], [ %.332.i, %B182.i ]
  %.363.i = getelementptr i64, ptr %2, i64 %a.2.2.i
  %.366.i = getelementptr i64, ptr %2, i64 %.364.i
  %.367.i = load i64, ptr %.366.i, align 8
  store i64 %.367.i, ptr %.363.i, align 8
  %.381.i = getelementptr i64, ptr %2, i64 %.367.i
  %.382.i = load i64, ptr %.381.i, align 8
  %.383.not.i = icmp eq i64 %.382.i, %.367.i
  br i1 %.383.not.i, label %B280.i, label %B206.i

B280.i:
  %a.3.3.i = phi i64 [ %.332.i, %B182.i ], [ %.367.i, %B206.i ]
  %.398.i = load i64, ptr %.397.i, align 8
  %.400.not.i = icmp eq i64 %.398.i, %.37.0150.i
  br i1 %.400.not.i, label %B378.i, label %B304.i

B304.i:
  %.407.i = phi i64 [ %.425.i, %B304.i ], [ %.398.i, %B280.i ]
  %b.2.2.i = phi i64 [ %.410.i, %B304.i ], [ %.37.0150.i, %B280.i ]
  %.406.i = getelementptr i64, ptr %2, i64 %b.2.2.i
  %.409.i = getelementptr i64, ptr %2, i64 %.407.i
  %.410.i = load i64, ptr %.409.i, align 8
  store i64 %.410.i, ptr %.406.i, align 8
  %.424.i = getelementptr i64, ptr %2, i64 %.410.i
  %.425.i = load i64, ptr %.424.i, align 8
  %.426.not.i = icmp eq i64 %.425.i, %.410.i
  br i1 %.426.not.i, label %B378.i, label %B304.i

B378.i:
  %b.3.3.i = phi i64 [ %.37.0150.i, %B280.i ], [ %.410.i, %B304.i ]
  %.13.i.i = tail call i64 @llvm.smin.i64(i64 %b.3.3.i, i64 %a.3.3.i)
  %.13.i145.i = tail call i64 @llvm.smax.i64(i64 %b.3.3.i, i64 %a.3.3.i)
  %.495.i = getelementptr i64, ptr %2, i64 %.13.i145.i
  store i64 %.13.i.i, ptr %.495.i, align 8
  br label %B519.i

B519.i:
  %exitcond.not.i = icmp eq i64 %.268.i, 26
  br i1 %exitcond.not.i, label %B34.loopexit.i, label %B96.if.i

B34.if.i:
  %.37.0150.i = phi i64 [ %.108.i, %B34.loopexit.i ], [ 0, %entry ]
  %.idx.i = mul i64 %.37.0150.i, 104
  %3 = getelementptr i8, ptr %0, i64 %.idx.i
  %.397.i = getelementptr i64, ptr %2, i64 %.37.0150.i
  br label %B96.if.i

B96.if.i:
  %.199.0147.i = phi i64 [ 13, %B34.if.i ], [ %.268.i, %B519.i ]
  %.268.i = add nsw i64 %.199.0147.i, 1
  %.297.i = getelementptr i32, ptr %3, i64 %.199.0147.i
  %.298.i = load i32, ptr %.297.i, align 4
  %.332.i = zext i32 %.298.i to i64
  %.333.i = icmp eq i64 %1, %.332.i
  br i1 %.333.i, label %B519.i, label %B182.i

B478.if.i:
  %.537.0152.i = phi i64 [ %.606.i, %B478.if.i ], [ 0, %B34.loopexit.i ]
  %.606.i = add nsw i64 %.537.0152.i, 1
  %.632.i = getelementptr i64, ptr %2, i64 %.537.0152.i
  %.633.i = load i64, ptr %.632.i, align 8
  %.635.i = getelementptr i64, ptr %2, i64 %.633.i
  %.636.i = load i64, ptr %.635.i, align 8
  store i64 %.636.i, ptr %.632.i, align 8
  %exitcond155.not.i = icmp eq i64 %1, %.606.i
  br i1 %exitcond155.not.i, label %exit, label %B478.if.i

exit:
  ret void
}

define void @estimate_normals(ptr readonly %0, i64 %1, ptr readonly %2, ptr %3, ptr writeonly %4, ptr writeonly %5) {
entry:
  %.105334.not.i = icmp slt i64 %1, 1
  br i1 %.105334.not.i, label %exit, label %B36.if.i

B34.loopexit.i:
  %.118.i = add nsw i64 %.46.0336.i, 1
  %exitcond360.not.i = icmp eq i64 %1, %.118.i
  br i1 %exitcond360.not.i, label %B938.if.i, label %B36.if.i

B254.i:
  %.439.i = getelementptr i32, ptr %7, i64 %.324.0332.i
  %.440.i = load i32, ptr %.439.i, align 4
  %.465.i = zext i32 %.440.i to i64
  br label %B316.i

B316.i:
  %"$phi316.2.2.2.i" = phi i64 [ %.465.i, %B254.i ], [ %.46.0336.i, %B224.if.i ]
  %.477.i = icmp eq i64 %"$phi316.2.2.2.i", %1
  br i1 %.477.i, label %B3076.i, label %B332.i

B332.i:
  %.485.idx.i = mul i64 %"$phi316.2.2.2.i", 24
  %.485.i = getelementptr i8, ptr %0, i64 %.485.idx.i
  %.486.i = load double, ptr %.485.i, align 8
  %.488.i = fsub double %.486.i, %.150.i
  %.493.i = getelementptr i8, ptr %.485.i, i64 8
  %.494.i = load double, ptr %.493.i, align 8
  %.496.i = fsub double %.494.i, %.156.i
  %.503.i = getelementptr i8, ptr %.485.i, i64 16
  %.504.i = load double, ptr %.503.i, align 8
  %.506.i = fsub double %.504.i, %.162.i
  %.512.i = fadd double %.511.i, 1.000000e+00
  store double %.512.i, ptr %scevgep.i, align 8
  %.522.i = fadd double %.521.i, %.488.i
  store double %.522.i, ptr %.520.i, align 8
  %.532.i = fadd double %.531.i, %.496.i
  store double %.532.i, ptr %.530.i, align 8
  %.542.i = fadd double %.541.i, %.506.i
  store double %.542.i, ptr %.540.i, align 8
  %.552.i = fmul double %.488.i, %.488.i
  %.553.i = fadd double %.551.i, %.552.i
  store double %.553.i, ptr %.550.i, align 8
  %.563.i = fmul double %.488.i, %.496.i
  %.564.i = fadd double %.562.i, %.563.i
  store double %.564.i, ptr %.561.i, align 8
  %.574.i = fmul double %.488.i, %.506.i
  %.575.i = fadd double %.573.i, %.574.i
  store double %.575.i, ptr %.572.i, align 8
  %.585.i = fmul double %.496.i, %.496.i
  %.586.i = fadd double %.584.i, %.585.i
  store double %.586.i, ptr %.583.i, align 8
  %.596.i = fmul double %.496.i, %.506.i
  %.597.i = fadd double %.595.i, %.596.i
  store double %.597.i, ptr %.594.i, align 8
  %.607.i = fmul double %.506.i, %.506.i
  %.608.i = fadd double %.606.i, %.607.i
  store double %.608.i, ptr %.605.i, align 8
  br label %B3076.i

B1130.i:
  %.1007.i = getelementptr i32, ptr %8, i64 %.892.0337.i
  %.1008.i = load i32, ptr %.1007.i, align 4
  %.1033.i = zext i32 %.1008.i to i64
  br label %B1192.i

B1192.i:
  %"$phi1192.2.2.2.i" = phi i64 [ %.1033.i, %B1130.i ], [ %.654.0357.i, %B1100.if.i ]
  %.1045.i = icmp eq i64 %"$phi1192.2.2.2.i", %1
  br i1 %.1045.i, label %B3077.i, label %B1208.i

B1208.i:
  %.1113.idx.i = mul i64 %"$phi1192.2.2.2.i", 24
  %.1113.i = getelementptr i8, ptr %0, i64 %.1113.idx.i
  %.1114.i = load double, ptr %.1113.i, align 8
  %.1116.i = fsub double %.1114.i, %.756.i
  %.1121.i = getelementptr i8, ptr %.1113.i, i64 8
  %.1122.i = load double, ptr %.1121.i, align 8
  %.1124.i = fsub double %.1122.i, %.762.i
  %.1129.i = getelementptr i8, ptr %.1113.i, i64 16
  %.1130.i = load double, ptr %.1129.i, align 8
  %.1132.i = fsub double %.1130.i, %.768.i
  %.1136.idx.i = mul i64 %"$phi1192.2.2.2.i", 80
  %.1136.i = getelementptr i8, ptr %3, i64 %.1136.idx.i
  %.1137.i = load double, ptr %.1136.i, align 8
  %.1142.i = getelementptr i8, ptr %.1136.i, i64 8
  %.1143.i = load double, ptr %.1142.i, align 8
  %.1148.i = getelementptr i8, ptr %.1136.i, i64 16
  %.1149.i = load double, ptr %.1148.i, align 8
  %.1154.i = getelementptr i8, ptr %.1136.i, i64 24
  %.1155.i = load double, ptr %.1154.i, align 8
  %.1181.i = fadd double %n.2.1339.i, %.1137.i
  %.1186.i = fmul double %.1116.i, %.1137.i
  %.1187.i = fadd double %.1143.i, %.1186.i
  %.1189.i = fadd double %sx.3.1340.i, %.1187.i
  %.1194.i = fmul double %.1124.i, %.1137.i
  %.1195.i = fadd double %.1194.i, %.1149.i
  %.1197.i = fadd double %sy.3.1341.i, %.1195.i
  %.1202.i = fmul double %.1137.i, %.1132.i
  %.1203.i = fadd double %.1202.i, %.1155.i
  %.1205.i = fadd double %sz.3.1342.i, %.1203.i
  %.1214.i = getelementptr i8, ptr %.1136.i, i64 32
  %.1215.i = load double, ptr %.1214.i, align 8
  %.1217.i = fmul double %.1116.i, 2.000000e+00
  %.1218.i = fmul double %.1217.i, %.1143.i
  %.1219.i = fadd double %.1218.i, %.1215.i
  %.1221.i = fmul double %.1116.i, %.1186.i
  %.1222.i = fadd double %.1221.i, %.1219.i
  %.1224.i = fadd double %xx.5.1343.i, %.1222.i
  %.1233.i = getelementptr i8, ptr %.1136.i, i64 40
  %.1234.i = load double, ptr %.1233.i, align 8
  %.1235.i = fmul double %.1116.i, %.1149.i
  %.1236.i = fadd double %.1235.i, %.1234.i
  %.1237.i = fmul double %.1124.i, %.1143.i
  %.1238.i = fadd double %.1237.i, %.1236.i
  %.1240.i = fmul double %.1124.i, %.1186.i
  %.1241.i = fadd double %.1240.i, %.1238.i
  %.1243.i = fadd double %xy.4.1344.i, %.1241.i
  %.1252.i = getelementptr i8, ptr %.1136.i, i64 48
  %.1253.i = load double, ptr %.1252.i, align 8
  %.1254.i = fmul double %.1116.i, %.1155.i
  %.1255.i = fadd double %.1254.i, %.1253.i
  %.1256.i = fmul double %.1132.i, %.1143.i
  %.1257.i = fadd double %.1256.i, %.1255.i
  %.1259.i = fmul double %.1132.i, %.1186.i
  %.1260.i = fadd double %.1259.i, %.1257.i
  %.1262.i = fadd double %xz.4.1345.i, %.1260.i
  %.1271.i = getelementptr i8, ptr %.1136.i, i64 56
  %.1272.i = load double, ptr %.1271.i, align 8
  %.1274.i = fmul double %.1124.i, 2.000000e+00
  %.1275.i = fmul double %.1274.i, %.1149.i
  %.1276.i = fadd double %.1275.i, %.1272.i
  %.1278.i = fmul double %.1124.i, %.1194.i
  %.1279.i = fadd double %.1278.i, %.1276.i
  %.1281.i = fadd double %yy.5.1346.i, %.1279.i
  %.1290.i = getelementptr i8, ptr %.1136.i, i64 64
  %.1291.i = load double, ptr %.1290.i, align 8
  %.1292.i = fmul double %.1124.i, %.1155.i
  %.1293.i = fadd double %.1292.i, %.1291.i
  %.1294.i = fmul double %.1132.i, %.1149.i
  %.1295.i = fadd double %.1294.i, %.1293.i
  %.1297.i = fmul double %.1132.i, %.1194.i
  %.1298.i = fadd double %.1297.i, %.1295.i
  %.1300.i = fadd double %yz.4.1347.i, %.1298.i
  %.1311.i = getelementptr i8, ptr %.1136.i, i64 72
  %.1312.i = load double, ptr %.1311.i, align 8
  %.1314.i = fmul double %.1132.i, 2.000000e+00
  %.1315.i = fmul double %.1314.i, %.1155.i
  %.1316.i = fadd double %.1315.i, %.1312.i
  %.1318.i = fmul double %.1132.i, %.1202.i
  %.1319.i = fadd double %.1318.i, %.1316.i
  %.1321.i = fadd double %zz.5.1348.i, %.1319.i
  br label %B3077.i

B1934.i:
  %.724.i = add nsw i64 %.654.0357.i, 1
  %.1342.i = fdiv double %sx.4.2.i, %n.3.2.i
  %.1350.i = fdiv double %sy.4.2.i, %n.3.2.i
  %.1358.i = fdiv double %sz.4.2.i, %n.3.2.i
  %.1366.i = fdiv double %xx.6.2.i, %n.3.2.i
  %.1369.i = fmul double %.1342.i, %.1342.i
  %.1370.i = fsub double %.1366.i, %.1369.i
  %.1405.i = fdiv double %yy.6.2.i, %n.3.2.i
  %.1408.i = fmul double %.1350.i, %.1350.i
  %.1409.i = fsub double %.1405.i, %.1408.i
  %.1425.i = fdiv double %zz.6.2.i, %n.3.2.i
  %.1430.i = fmul double %.1358.i, %.1358.i
  %.1431.i = fsub double %.1425.i, %.1430.i
  %.1443.i = fadd double %.1370.i, %.1409.i
  %.1445.i = fadd double %.1443.i, %.1431.i
  %.1470.i = getelementptr double, ptr %4, i64 %.753.i
  store double 0.000000e+00, ptr %.1470.i, align 8
  %.1476.i = getelementptr double, ptr %4, i64 %.759.i
  store double 0.000000e+00, ptr %.1476.i, align 8
  %.1482.i = getelementptr double, ptr %4, i64 %.765.i
  store double 0.000000e+00, ptr %.1482.i, align 8
  %.1486.i = getelementptr double, ptr %5, i64 %.654.0357.i
  store double 0x3FD5555555555555, ptr %.1486.i, align 8
  %.1489.i = fcmp ugt double %.1445.i, 0.000000e+00
  br i1 %.1489.i, label %B2198.i, label %B3075.i

B2198.i:
  %.1415.i = fdiv double %yz.5.2.i, %n.3.2.i
  %.1418.i = fmul double %.1350.i, %.1358.i
  %.1419.i = fsub double %.1415.i, %.1418.i
  %.1386.i = fdiv double %xz.5.2.i, %n.3.2.i
  %.1389.i = fmul double %.1342.i, %.1358.i
  %.1390.i = fsub double %.1386.i, %.1389.i
  %.1376.i = fdiv double %xy.5.2.i, %n.3.2.i
  %.1379.i = fmul double %.1342.i, %.1350.i
  %.1380.i = fsub double %.1376.i, %.1379.i
  %.1513.i = fdiv double %.1370.i, %.1445.i
  %.1521.i = fdiv double %.1380.i, %.1445.i
  %.1529.i = fdiv double %.1390.i, %.1445.i
  %.1537.i = fdiv double %.1409.i, %.1445.i
  %.1545.i = fdiv double %.1419.i, %.1445.i
  %.1553.i = fdiv double %.1431.i, %.1445.i
  %.1614.i = fmul double %.1513.i, %.1537.i
  %.1617.i = fmul double %.1521.i, %.1521.i
  %.1618.i = fsub double %.1614.i, %.1617.i
  %.1621.i = fmul double %.1513.i, %.1553.i
  %.1622.i = fadd double %.1621.i, %.1618.i
  %.1625.i = fmul double %.1529.i, %.1529.i
  %.1626.i = fsub double %.1622.i, %.1625.i
  %.1629.i = fmul double %.1537.i, %.1553.i
  %.1630.i = fadd double %.1629.i, %.1626.i
  %.1633.i = fmul double %.1545.i, %.1545.i
  %.1634.i = fsub double %.1630.i, %.1633.i
  %.1644.i = fsub double %.1629.i, %.1633.i
  %.1646.i = fmul double %.1513.i, %.1644.i
  %.1649.i = fmul double %.1521.i, %.1553.i
  %.1652.i = fmul double %.1545.i, %.1529.i
  %.1653.i = fsub double %.1649.i, %.1652.i
  %.1655.i = fmul double %.1521.i, %.1653.i
  %.1656.i = fsub double %.1646.i, %.1655.i
  %.1659.i = fmul double %.1521.i, %.1545.i
  %.1662.i = fmul double %.1537.i, %.1529.i
  %.1663.i = fsub double %.1659.i, %.1662.i
  %.1665.i = fmul double %.1529.i, %.1663.i
  %.1666.i = fadd double %.1665.i, %.1656.i
  br label %B2456.if.i

B2538.i:
  %.1761.i = add nsw i64 %.1699.0349.i, -1
  %.1791.i = fadd double %root.2.1350.i, -1.000000e+00
  %.1793.i = fmul double %root.2.1350.i, %.1791.i
  %.1795.i = fadd double %.1634.i, %.1793.i
  %.1797.i = fmul double %root.2.1350.i, %.1795.i
  %.1799.i = fsub double %.1797.i, %.1666.i
  %.1832.i = fdiv double %.1799.i, %.1809.i
  %.1838.i = fsub double %root.2.1350.i, %.1832.i
  %.1752.i = icmp ugt i64 %.1699.0349.i, 1
  br i1 %.1752.i, label %B2456.if.i, label %B2556.i

B2556.i:
  %root.2.1.lcssa.i = phi double [ %.1838.i, %B2538.i ], [ %root.2.1350.i, %B2456.if.i ]
  %.1852.i = fsub double %.1513.i, %root.2.1.lcssa.i
  %.1857.i = fsub double %.1537.i, %root.2.1.lcssa.i
  %.1862.i = fsub double %.1553.i, %root.2.1.lcssa.i
  %.2040.i = fmul double %.1521.i, %.1862.i
  %.2044.i = fsub double %.2040.i, %.1652.i
  %.2050.i = fmul double %.1852.i, %.1862.i
  %.2051.i = fsub double %.1625.i, %.2050.i
  %.2054.i = fmul double %.1545.i, %.1852.i
  %.2057.i = fmul double %.1521.i, %.1529.i
  %.2058.i = fsub double %.2054.i, %.2057.i
  %.2007.i = fmul double %.1529.i, %.1857.i
  %.2008.i = fsub double %.1659.i, %.2007.i
  %.2015.i = fsub double %.2057.i, %.2054.i
  %.2018.i = fmul double %.1852.i, %.1857.i
  %.2022.i = fsub double %.2018.i, %.1617.i
  %.2068.i = fmul double %.1857.i, %.1862.i
  %.2072.i = fsub double %.2068.i, %.1633.i
  %.2079.i = fsub double %.1652.i, %.2040.i
  br label %B2620.if.i

B2716.i:
  br label %B2850.i

B2784.i:
  br label %B2850.i

B2850.i:
  %az.3.2.i = phi double [ %.2008.i, %B2784.i ], [ %.2058.i, %B2716.i ], [ %.2022.i, %B2620.if.i ]
  %ay.3.2.i = phi double [ %.2079.i, %B2784.i ], [ %.2051.i, %B2716.i ], [ %.2015.i, %B2620.if.i ]
  %ax.3.2.i = phi double [ %.2072.i, %B2784.i ], [ %.2044.i, %B2716.i ], [ %.2008.i, %B2620.if.i ]
  %.2100.i = fmul double %ax.3.2.i, %ax.3.2.i
  %.2103.i = fmul double %ay.3.2.i, %ay.3.2.i
  %.2104.i = fadd double %.2103.i, %.2100.i
  %.2107.i = fmul double %az.3.2.i, %az.3.2.i
  %.2108.i = fadd double %.2107.i, %.2104.i
  %.2114.i = fcmp ogt double %.2108.i, %best.2.1354.i
  br i1 %.2114.i, label %for.end.i, label %B3018.i

B3018.i:
  %best.3.2.i = phi double [ %.2108.i, %for.end.i ], [ %best.2.1354.i, %B2850.i ]
  %exitcond362.not.i = icmp eq i64 %.1969.i, 3
  br i1 %exitcond362.not.i, label %B3020.i, label %B2620.if.i

B3020.i:
  %.2206.i = fcmp ogt double %best.3.2.i, 0.000000e+00
  br i1 %.2206.i, label %B3032.i, label %B3075.i

B3032.i:
  %.12.i.i = fcmp olt double %root.2.1.lcssa.i, 0.000000e+00
  %.13.i.i = select i1 %.12.i.i, double 0.000000e+00, double %root.2.1.lcssa.i
  store double %.13.i.i, ptr %.1486.i, align 8
  br label %B3075.i

B3075.i:
  %exitcond363.not.i = icmp eq i64 %1, %.724.i
  br i1 %exitcond363.not.i, label %exit, label %B938.if.i

B3076.i:
  %.606382.i = phi double [ %.606.i, %B316.i ], [ %.608.i, %B332.i ]
  %.595380.i = phi double [ %.595.i, %B316.i ], [ %.597.i, %B332.i ]
  %.584378.i = phi double [ %.584.i, %B316.i ], [ %.586.i, %B332.i ]
  %.573376.i = phi double [ %.573.i, %B316.i ], [ %.575.i, %B332.i ]
  %.562374.i = phi double [ %.562.i, %B316.i ], [ %.564.i, %B332.i ]
  %.551372.i = phi double [ %.551.i, %B316.i ], [ %.553.i, %B332.i ]
  %.541370.i = phi double [ %.541.i, %B316.i ], [ %.542.i, %B332.i ]
  %.531368.i = phi double [ %.531.i, %B316.i ], [ %.532.i, %B332.i ]
  %.521366.i = phi double [ %.521.i, %B316.i ], [ %.522.i, %B332.i ]
  %.511364.i = phi double [ %.511.i, %B316.i ], [ %.512.i, %B332.i ]
  %exitcond.not.i = icmp eq i64 %.394.i, 27
  br i1 %exitcond.not.i, label %B34.loopexit.i, label %B224.if.i

B3077.i:
  %n.3.2.i = phi double [ %.1181.i, %B1208.i ], [ %n.2.1339.i, %B1192.i ]
  %sx.4.2.i = phi double [ %.1189.i, %B1208.i ], [ %sx.3.1340.i, %B1192.i ]
  %sy.4.2.i = phi double [ %.1197.i, %B1208.i ], [ %sy.3.1341.i, %B1192.i ]
  %sz.4.2.i = phi double [ %.1205.i, %B1208.i ], [ %sz.3.1342.i, %B1192.i ]
  %xx.6.2.i = phi double [ %.1224.i, %B1208.i ], [ %xx.5.1343.i, %B1192.i ]
  %xy.5.2.i = phi double [ %.1243.i, %B1208.i ], [ %xy.4.1344.i, %B1192.i ]
  %xz.5.2.i = phi double [ %.1262.i, %B1208.i ], [ %xz.4.1345.i, %B1192.i ]
  %yy.6.2.i = phi double [ %.1281.i, %B1208.i ], [ %yy.5.1346.i, %B1192.i ]
  %yz.5.2.i = phi double [ %.1300.i, %B1208.i ], [ %yz.4.1347.i, %B1192.i ]
  %zz.6.2.i = phi double [ %.1321.i, %B1208.i ], [ %zz.5.1348.i, %B1192.i ]
  %exitcond361.not.i = icmp eq i64 %.962.i, 27
  br i1 %exitcond361.not.i, label %B1934.i, label %B1100.if.i

B36.if.i:
  %.46.0336.i = phi i64 [ %.118.i, %B34.loopexit.i ], [ 0, %entry ]
  %6 = mul i64 %.46.0336.i, 80
  %scevgep.i = getelementptr i8, ptr %3, i64 %6
  %.149.idx.i = mul i64 %.46.0336.i, 24
  %.149.i = getelementptr i8, ptr %0, i64 %.149.idx.i
  %.150.i = load double, ptr %.149.i, align 8
  %.155.i = getelementptr i8, ptr %.149.i, i64 8
  %.156.i = load double, ptr %.155.i, align 8
  %.161.i = getelementptr i8, ptr %.149.i, i64 16
  %.162.i = load double, ptr %.161.i, align 8
  tail call void @llvm.memset.p0.i64(ptr nonnull align 8 dereferenceable(80) %scevgep.i, i8 0, i64 80, i1 false)
  %.idx328.i = mul i64 %.46.0336.i, 104
  %7 = getelementptr i8, ptr %2, i64 %.idx328.i
  %.520.i = getelementptr i8, ptr %scevgep.i, i64 8
  %.530.i = getelementptr i8, ptr %scevgep.i, i64 16
  %.540.i = getelementptr i8, ptr %scevgep.i, i64 24
  %.550.i = getelementptr i8, ptr %scevgep.i, i64 32
  %.561.i = getelementptr i8, ptr %scevgep.i, i64 40
  %.572.i = getelementptr i8, ptr %scevgep.i, i64 48
  %.583.i = getelementptr i8, ptr %scevgep.i, i64 56
  %.594.i = getelementptr i8, ptr %scevgep.i, i64 64
  %.605.i = getelementptr i8, ptr %scevgep.i, i64 72
  br label %B224.if.i

B224.if.i:
  %.606.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.606382.i, %B3076.i ]
  %.595.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.595380.i, %B3076.i ]
  %.584.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.584378.i, %B3076.i ]
  %.573.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.573376.i, %B3076.i ]
  %.562.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.562374.i, %B3076.i ]
  %.551.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.551372.i, %B3076.i ]
  %.541.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.541370.i, %B3076.i ]
  %.531.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.531368.i, %B3076.i ]
  %.521.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.521366.i, %B3076.i ]
  %.511.i = phi double [ 0.000000e+00, %B36.if.i ], [ %.511364.i, %B3076.i ]
  %.324.0332.i = phi i64 [ 0, %B36.if.i ], [ %.394.i, %B3076.i ]
  %.394.i = add nsw i64 %.324.0332.i, 1
  %.423.i = icmp eq i64 %.324.0332.i, 26
  br i1 %.423.i, label %B316.i, label %B254.i

B938.if.i:
  %.654.0357.i = phi i64 [ %.724.i, %B3075.i ], [ 0, %B34.loopexit.i ]
  %.753.i = mul nsw i64 %.654.0357.i, 3
  %.755.i = getelementptr double, ptr %0, i64 %.753.i
  %.756.i = load double, ptr %.755.i, align 8
  %.759.i = add nsw i64 %.753.i, 1
  %.761.i = getelementptr double, ptr %0, i64 %.759.i
  %.762.i = load double, ptr %.761.i, align 8
  %.765.i = add nsw i64 %.753.i, 2
  %.767.i = getelementptr double, ptr %0, i64 %.765.i
  %.768.i = load double, ptr %.767.i, align 8
  %.idx.i = mul i64 %.654.0357.i, 104
  %8 = getelementptr i8, ptr %2, i64 %.idx.i
  br label %B1100.if.i

B1100.if.i:
  %zz.5.1348.i = phi double [ 0.000000e+00, %B938.if.i ], [ %zz.6.2.i, %B3077.i ]
  %yz.4.1347.i = phi double [ 0.000000e+00, %B938.if.i ], [ %yz.5.2.i, %B3077.i ]
  %yy.5.1346.i = phi double [ 0.000000e+00, %B938.if.i ], [ %yy.6.2.i, %B3077.i ]
  %xz.4.1345.i = phi double [ 0.000000e+00, %B938.if.i ], [ %xz.5.2.i, %B3077.i ]
  %xy.4.1344.i = phi double [ 0.000000e+00, %B938.if.i ], [ %xy.5.2.i, %B3077.i ]
  %xx.5.1343.i = phi double [ 0.000000e+00, %B938.if.i ], [ %xx.6.2.i, %B3077.i ]
  %sz.3.1342.i = phi double [ 0.000000e+00, %B938.if.i ], [ %sz.4.2.i, %B3077.i ]
  %sy.3.1341.i = phi double [ 0.000000e+00, %B938.if.i ], [ %sy.4.2.i, %B3077.i ]
  %sx.3.1340.i = phi double [ 0.000000e+00, %B938.if.i ], [ %sx.4.2.i, %B3077.i ]
  %n.2.1339.i = phi double [ 0.000000e+00, %B938.if.i ], [ %n.3.2.i, %B3077.i ]
  %.892.0337.i = phi i64 [ 0, %B938.if.i ], [ %.962.i, %B3077.i ]
  %.962.i = add nsw i64 %.892.0337.i, 1
  %.991.i = icmp eq i64 %.892.0337.i, 26
  br i1 %.991.i, label %B1192.i, label %B1130.i

B2456.if.i:
  %root.2.1350.i = phi double [ 0.000000e+00, %B2198.i ], [ %.1838.i, %B2538.i ]
  %.1699.0349.i = phi i64 [ 12, %B2198.i ], [ %.1761.i, %B2538.i ]
  %.1804.i = fmul double %root.2.1350.i, 3.000000e+00
  %.1805.i = fadd double %.1804.i, -2.000000e+00
  %.1807.i = fmul double %root.2.1350.i, %.1805.i
  %.1809.i = fadd double %.1634.i, %.1807.i
  %.1814.i = fcmp ugt double %.1809.i, 0x3D719799812DEA11
  br i1 %.1814.i, label %B2538.i, label %B2556.i

B2620.if.i:
  %best.2.1354.i = phi double [ 0.000000e+00, %B2556.i ], [ %best.3.2.i, %B3018.i ]
  %.1900.0352.i = phi i64 [ 0, %B2556.i ], [ %.1969.i, %B3018.i ]
  %.1969.i = add nsw i64 %.1900.0352.i, 1
  switch i64 %.1900.0352.i, label %B2784.i [
    i64 0, label %B2850.i
    i64 1, label %B2716.i
  ]

for.end.i:
  %sqrt.le.i = tail call double @llvm.sqrt.f64(double %.2108.i)
  %.2140.i = fdiv double %ax.3.2.i, %sqrt.le.i
  store double %.2140.i, ptr %.1470.i, align 8
  %.2152.i = fdiv double %ay.3.2.i, %sqrt.le.i
  store double %.2152.i, ptr %.1476.i, align 8
  %.2165.i = fdiv double %az.3.2.i, %sqrt.le.i
  store double %.2165.i, ptr %.1482.i, align 8
  br label %B3018.i

exit:
  ret void
}

define void @grow_patches(ptr readonly %0, ptr readonly %1, ptr readonly %2, ptr readonly %3, i64 %4, double %5, ptr readonly %6, double %7, double %8, ptr %9, ptr %10) {
entry:
  %.123144.not.i = icmp slt i64 %4, 1
  br i1 %.123144.not.i, label %exit, label %B40.if.i

B86.i:
  %.183.i = mul nsw i64 %.163.i, 3
  %.185.i = getelementptr double, ptr %1, i64 %.183.i
  %.186.i = load double, ptr %.185.i, align 8
  %.189.i = add nsw i64 %.183.i, 1
  %.191.i = getelementptr double, ptr %1, i64 %.189.i
  %.192.i = load double, ptr %.191.i, align 8
  %.195.i = add nsw i64 %.183.i, 2
  %.197.i = getelementptr double, ptr %1, i64 %.195.i
  %.198.i = load double, ptr %.197.i, align 8
  %.211.i = getelementptr double, ptr %0, i64 %.183.i
  %.212.i = load double, ptr %.211.i, align 8
  %.217.i = getelementptr double, ptr %0, i64 %.189.i
  %.218.i = load double, ptr %.217.i, align 8
  %.223.i = getelementptr double, ptr %0, i64 %.195.i
  %.224.i = load double, ptr %.223.i, align 8
  %.236.i = getelementptr double, ptr %6, i64 %.163.i
  %.237.i = load double, ptr %.236.i, align 8
  %.239.i = fmul double %7, %.237.i
  %.245.i = fmul double %8, %.237.i
  store i64 %found.2.0147.i, ptr %.169.i, align 8
  store i64 %.163.i, ptr %10, align 8
  %.577.i = fmul double %.245.i, %.245.i
  br label %B330.i

B330.i:
  %first.2.1.i = phi i64 [ 0, %B86.i ], [ %.292.i, %B858.i ]
  %last.3.1.i = phi i64 [ 1, %B86.i ], [ %last.4.4.i, %B858.i ]
  %.286.i = getelementptr i64, ptr %10, i64 %first.2.1.i
  %.287.i = load i64, ptr %.286.i, align 8
  %.idx.i = mul i64 %.287.i, 104
  %11 = getelementptr i8, ptr %3, i64 %.idx.i
  br label %B396.if.i

B476.i:
  %.456.i = getelementptr i64, ptr %9, i64 %.450.i
  %.457.i = load i64, ptr %.456.i, align 8
  %.458.i = icmp sgt i64 %.457.i, -1
  br i1 %.458.i, label %B887.i, label %B502.i

B502.i:
  %.471.i = mul nsw i64 %.450.i, 3
  %.473.i = getelementptr double, ptr %1, i64 %.471.i
  %.474.i = load double, ptr %.473.i, align 8
  %.476.i = fmul double %.186.i, %.474.i
  %.480.i = add nsw i64 %.471.i, 1
  %.482.i = getelementptr double, ptr %1, i64 %.480.i
  %.483.i = load double, ptr %.482.i, align 8
  %.485.i = fmul double %.192.i, %.483.i
  %.486.i = fadd double %.476.i, %.485.i
  %.490.i = add nsw i64 %.471.i, 2
  %.492.i = getelementptr double, ptr %1, i64 %.490.i
  %.493.i = load double, ptr %.492.i, align 8
  %.495.i = fmul double %.198.i, %.493.i
  %.496.i = fadd double %.486.i, %.495.i
  %.498.i = fcmp olt double %.496.i, %5
  br i1 %.498.i, label %B887.i, label %B612.i

B612.i:
  %.512.i = getelementptr double, ptr %0, i64 %.471.i
  %.513.i = load double, ptr %.512.i, align 8
  %.515.i = fsub double %.513.i, %.212.i
  %.521.i = getelementptr double, ptr %0, i64 %.480.i
  %.522.i = load double, ptr %.521.i, align 8
  %.524.i = fsub double %.522.i, %.218.i
  %.530.i = getelementptr double, ptr %0, i64 %.490.i
  %.531.i = load double, ptr %.530.i, align 8
  %.533.i = fsub double %.531.i, %.224.i
  %.545.i = fmul double %.186.i, %.515.i
  %.548.i = fmul double %.192.i, %.524.i
  %.549.i = fadd double %.545.i, %.548.i
  %.552.i = fmul double %.198.i, %.533.i
  %.553.i = fadd double %.549.i, %.552.i
  %.554.i = tail call double @llvm.fabs.f64(double %.553.i)
  %.556.i = fcmp ogt double %.554.i, %.239.i
  br i1 %.556.i, label %B887.i, label %B776.i

B776.i:
  %.560.i = fmul double %.515.i, %.515.i
  %.565.i = fmul double %.524.i, %.524.i
  %.568.i = fadd double %.560.i, %.565.i
  %.571.i = fmul double %.533.i, %.533.i
  %.574.i = fadd double %.568.i, %.571.i
  %.578.i = fcmp ogt double %.574.i, %.577.i
  br i1 %.578.i, label %B887.i, label %B826.i

B826.i:
  store i64 %found.2.0147.i, ptr %.456.i, align 8
  %.604.i = getelementptr i64, ptr %10, i64 %last.2.2143.i
  store i64 %.450.i, ptr %.604.i, align 8
  %.609.i = add nsw i64 %last.2.2143.i, 1
  br label %B887.i

B858.i:
  %.292.i = add nsw i64 %first.2.1.i, 1
  %.629.i = icmp slt i64 %.292.i, %last.4.4.i
  br i1 %.629.i, label %B330.i, label %B872.i

B872.i:
  %.661.i = add nsw i64 %found.2.0147.i, 1
  br label %B888.i

B887.i:
  %last.4.4.i = phi i64 [ %.609.i, %B826.i ], [ %last.2.2143.i, %B476.i ], [ %last.2.2143.i, %B502.i ], [ %last.2.2143.i, %B396.if.i ], [ %last.2.2143.i, %B776.i ], [ %last.2.2143.i, %B612.i ]
  %exitcond.not.i = icmp eq i64 %.390.i, 26
  br i1 %exitcond.not.i, label %B858.i, label %B396.if.i

B888.i:
  %found.3.1.i = phi i64 [ %.661.i, %B872.i ], [ %found.2.0147.i, %B40.if.i ]
  %exitcond148.not.i = icmp eq i64 %4, %.136.i
  br i1 %exitcond148.not.i, label %exit, label %B40.if.i

B40.if.i:
  %found.2.0147.i = phi i64 [ %found.3.1.i, %B888.i ], [ 0, %entry ]
  %.64.0146.i = phi i64 [ %.136.i, %B888.i ], [ 0, %entry ]
  %.136.i = add nsw i64 %.64.0146.i, 1
  %.162.i = getelementptr i64, ptr %2, i64 %.64.0146.i
  %.163.i = load i64, ptr %.162.i, align 8
  %.169.i = getelementptr i64, ptr %9, i64 %.163.i
  %.170.i = load i64, ptr %.169.i, align 8
  %.171.i = icmp sgt i64 %.170.i, -1
  br i1 %.171.i, label %B888.i, label %B86.i

B396.if.i:
  %last.2.2143.i = phi i64 [ %last.3.1.i, %B330.i ], [ %last.4.4.i, %B887.i ]
  %.321.0141.i = phi i64 [ 0, %B330.i ], [ %.390.i, %B887.i ]
  %.390.i = add nsw i64 %.321.0141.i, 1
  %.419.i = getelementptr i32, ptr %11, i64 %.321.0141.i
  %.420.i = load i32, ptr %.419.i, align 4
  %.450.i = zext i32 %.420.i to i64
  %.451.i = icmp eq i64 %4, %.450.i
  br i1 %.451.i, label %B887.i, label %B476.i

exit:
  ret void
}

define void @chain_hull(ptr readonly %0, i64 %1, ptr %2) {
entry:
  %.228113.not.i = icmp slt i64 %1, 1
  br label %B38.if.i

B130.i:
  %count.6.2.i = phi i64 [ %.320.i, %B414.i ], [ %count.5.1116.i, %B130.preheader.i ]
  %3 = getelementptr i64, ptr %2, i64 %count.6.2.i
  %.317.i = getelementptr i8, ptr %3, i64 -16
  %.318.i = load i64, ptr %.317.i, align 8
  %.320.i = add nsw i64 %count.6.2.i, -1
  %.322.i = getelementptr i64, ptr %2, i64 %.320.i
  %.323.i = load i64, ptr %.322.i, align 8
  %.326.idx.i = shl i64 %.323.i, 4
  %.326.i = getelementptr i8, ptr %0, i64 %.326.idx.i
  %.327.i = load double, ptr %.326.i, align 8
  %.330.idx.i = shl i64 %.318.i, 4
  %.330.i = getelementptr i8, ptr %0, i64 %.330.idx.i
  %.331.i = load double, ptr %.330.i, align 8
  %.332.i = fsub double %.327.i, %.331.i
  %.336.i = getelementptr i8, ptr %.326.i, i64 8
  %.337.i = load double, ptr %.336.i, align 8
  %.341.i = getelementptr i8, ptr %.330.i, i64 8
  %.342.i = load double, ptr %.341.i, align 8
  %.343.i = fsub double %.337.i, %.342.i
  %.353.i = fsub double %.348.i, %.331.i
  %.365.i = fsub double %.359.i, %.342.i
  %.366.i = fmul double %.332.i, %.365.i
  %.367.i = fmul double %.353.i, %.343.i
  %.369.i = fcmp ogt double %.366.i, %.367.i
  br i1 %.369.i, label %B442.i, label %B414.i

B414.i:
  %.384.i = sub nsw i64 %.320.i, %count.4.0119.i
  %.385.i = icmp sgt i64 %.384.i, 1
  br i1 %.385.i, label %B130.i, label %B442.i

B442.i:
  %count.7.3.i = phi i64 [ %count.5.1116.i, %B76.if.i ], [ %5, %B414.i ], [ %count.6.2.i, %B130.i ]
  %.397.i = getelementptr i64, ptr %2, i64 %count.7.3.i
  store i64 %"$phi110.2.2.2.i", ptr %.397.i, align 8
  %.402.i = add nsw i64 %count.7.3.i, 1
  %exitcond.not.i = icmp eq i64 %1, %.241.i
  br i1 %exitcond.not.i, label %B464.i, label %B76.if.i

B464.i:
  %count.5.1.lcssa.i = phi i64 [ %count.4.0119.i, %B38.if.i ], [ %.402.i, %B442.i ]
  %.417.i = add nsw i64 %count.5.1.lcssa.i, -1
  br i1 %exitcond120.not.i, label %exit, label %B38.if.i

B38.if.i:
  %count.4.0119.i = phi i64 [ 0, %entry ], [ %.417.i, %B464.i ]
  %4 = phi i1 [ true, %entry ], [ false, %B464.i ]
  %exitcond120.not.i = phi i1 [ false, %entry ], [ true, %B464.i ]
  br i1 %.228113.not.i, label %B464.i, label %B76.if.preheader.i

B76.if.preheader.i:
  %5 = add i64 %count.4.0119.i, 1
  br label %B76.if.i

B76.if.i:
  %count.5.1116.i = phi i64 [ %.402.i, %B442.i ], [ %count.4.0119.i, %B76.if.preheader.i ]
  %.172.0114.i = phi i64 [ %.241.i, %B442.i ], [ 0, %B76.if.preheader.i ]
  %.241.i = add nsw i64 %.172.0114.i, 1
  %6 = xor i64 %.172.0114.i, -1
  %.282.i = add nsw i64 %1, %6
  %"$phi110.2.2.2.i" = select i1 %4, i64 %.172.0114.i, i64 %.282.i
  %.304.i = sub nsw i64 %count.5.1116.i, %count.4.0119.i
  %.307.i = icmp sgt i64 %.304.i, 1
  br i1 %.307.i, label %B130.preheader.i, label %B442.i

B130.preheader.i:
  %.347.idx.i = shl i64 %"$phi110.2.2.2.i", 4
  %.347.i = getelementptr i8, ptr %0, i64 %.347.idx.i
  %.348.i = load double, ptr %.347.i, align 8
  %.358.i = getelementptr i8, ptr %.347.i, i64 8
  %.359.i = load double, ptr %.358.i, align 8
  br label %B130.i

exit:
  %.435.idx.i = shl i64 %1, 4
  %.435.i = getelementptr i8, ptr %2, i64 %.435.idx.i
  store i64 %.417.i, ptr %.435.i, align 8
  ret void
}

declare i64 @llvm.smin.i64(i64, i64)

declare i64 @llvm.smax.i64(i64, i64)

declare double @llvm.sqrt.f64(double)

declare void @llvm.memset.p0.i64(ptr writeonly , i8, i64, i1 immarg)

